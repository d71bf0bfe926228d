/** Whole workspaces for screenshots and component tests: full, empty, broken (every list fails), slow (nothing answers yet). */
import { AppError } from '../../../main/contract/errors.ts';
import { whyNoPickle } from '../../../main/contract/models.ts';
import type { QueueEntry, Run } from '../../../main/contract/runs.ts';
import { settingsSchema, type Doctor, type Engine, type Job } from '../../../main/contract/system.ts';
import { builtinPresets } from '../../../main/settings/builtinPresets.ts';
import { checkOf, estimateOf } from './config.ts';
import type { Answers } from './fakeCore.ts';
import { comparedEntry, comparedRuns, compareAnswers } from './compare.ts';
import { datasetAnswers } from './datasets.ts';
import { models } from './models.ts';
import { metricNames, now, runs, samplesOf, seriesOf } from './runs.ts';

export const doctor: Doctor = {
  ok: true, backend: 'tensorflow', tensorflow: '2.21.0', node: '24.21.0', platform: 'linux x64', cpu: 'AMD EPYC 9R14', cores: 8, memory_mb: 32_000, memory_free_mb: 21_400, disk_free_mb: 412_000, data_folder: '/home/mara/.local/share/lpl-studio',
  devices: [{ name: 'CPU:0', kind: 'cpu', memory_mb: null }], speeds: [{ name: 'Convolution 3×3, 320 channels', gflops: 212, milliseconds: 35.6 }, { name: 'Matrix product 1024³', gflops: 185, milliseconds: 11.6 }],
  checks: [{ name: 'TensorFlow', ok: true, message: 'TensorFlow 2.21.0 is loaded with oneDNN.', hint: '' }, { name: 'Graphics card', ok: false, message: 'No NVIDIA card was found.', hint: 'Training runs on the processor. Fine for the built-in model; SDXL needs a card with 12 GB or more.' }, { name: 'Disk', ok: true, message: '412 GB are free.', hint: '' }],
};
const settings = (theme: 'light' | 'dark') => settingsSchema.parse({ theme });
const job: Job = { id: 'j1', kind: 'dataset.import', title: 'Importing “Kitchen photographs”', state: 'running', text: '370 of 1,204 pictures', done: 370, total: 1204, eta_s: 42, result: null, error: null, created_at: now, ended_at: null };

/** A dry run that has ended: what `runs.dryRun` leads to. */
const measuredJob: Job = { ...job, id: 'j3', kind: 'dry-run', title: 'Measuring memory and time', state: 'done', text: '', done: 20, total: 20, eta_s: null, ended_at: now, result: {
  source: 'measured', memory_parts: [{ name: 'Peak of the training process', mb: 2044 }], memory_mb: 2044, memory_available_mb: 21_400, seconds_per_step: 0.41, total_seconds: 812, fits: true,
  time_parts: [{ name: 'Start and first steps', seconds: 83 }, { name: 'Encoding the pictures', seconds: 12 }, { name: 'Steps', seconds: 615 }, { name: 'Sample pictures', seconds: 74 }, { name: 'Checkpoints', seconds: 28 }],
  notes: ['Steps on the largest bucket, 64 × 64 px, median after 2 to warm up.', 'A step takes 0.13 s without LPL and about 1.5 s when every sample takes part; 20 % of the samples will.'],
} };

const engine: Engine = { state: 'ready', version: '2.21.0', problem: null, job_id: null, download_mb: 274, disk_mb: 860, folder: '/home/mara/.local/share/lpl-studio/runtime' };

const shared = (theme: 'light' | 'dark'): Answers => ({
  'system.info': () => ({ version: '0.1.0', data_folder: '/home/mara/.local/share/lpl-studio', platform: 'linux', shell: false, pid: 1 }),
  'engine.get': () => engine, 'engine.install': () => ({ job_id: 'j2' }),
  'settings.get': () => settings(theme),
  'settings.set': ({ changes }) => settingsSchema.parse({ ...settings(theme), ...changes }),
  'presets.list': () => builtinPresets,
  'runs.checkConfig': ({ config }) => checkOf(config),
  'runs.estimate': ({ config }) => estimateOf(config), 'runs.dryRun': () => ({ job_id: 'j3' }),
  'files.browse': ({ path = '/home/mara' }) => (path.includes('nowhere') || path.endsWith('.safetensors') ? noFolder(path) : { path, parent: '/home', places: [{ name: 'Home', path: '/home/mara' }, { name: 'Pictures', path: '/home/mara/Pictures' }], entries: [{ name: 'Pictures', path: '/home/mara/Pictures', kind: 'folder' as const, bytes: 0, modified_at: now, unusable: null }, { name: 'dreamy-v3.ckpt', path: '/home/mara/dreamy-v3.ckpt', kind: 'file' as const, bytes: 4.27e9, modified_at: now - 9e9, unusable: whyNoPickle }, { name: 'sd_xl_base_1.0.safetensors', path: '/home/mara/sd_xl_base_1.0.safetensors', kind: 'file' as const, bytes: 6.94e9, modified_at: now - 9e9, unusable: null }] }),
});

export const full = (theme: 'light' | 'dark'): Answers => ({
  ...shared(theme), ...datasetAnswers(), ...compareAnswers(),
  'runs.list': () => runs,
  'queue.list': () => ({ running: runs.filter((r) => r.state === 'running'), waiting: runs.filter((r) => r.state === 'queued'), entries: runs.filter((r) => r.state === 'running' || r.state === 'queued').map(entryOf), held: false }),
  'models.list': () => models,
  'models.get': ({ id }) => models.find((m) => m.id === id) ?? missing('model'),
  'projects.list': () => [{ id: 'p1', name: 'Emoji', notes: '', created_at: now, runs: 8 }],
  'jobs.list': () => [job],
  'doctor.last': () => doctor,
  'runs.get': ({ id }) => runs.find((r) => r.id === id) ?? missing('run'),
  'runs.create': ({ name = 'New run', start }) => ({ ...runs[0]!, id: 'made', name, state: start ? 'queued' as const : 'draft' as const }),
  'samples.list': ({ run_id }) => (run_id === 'draft' ? [] : samplesOf(run_id, run_id === 'live' ? [0, 100, 200, 300, 400] : [0, 250, 500, 750, 1000, 1250, 1500])),
  'checkpoints.list': ({ run_id }) => (run_id === 'draft' || run_id === 'oom' ? [] : [{ id: 'c1', run_id, step: 400, dir: 'checkpoints/step-400', bytes: 31_400_000, sha256: 'cd', created_at: now, present: true }]),
  'exports.list': () => [],
  'runs.events': ({ id }) => (id === 'draft' ? [] : [
    { n: 1, at: now - 250_000, type: 'started', data: { device: 'AMD EPYC 9R14, 8 threads', backend: 'tensorflow', precision: 'bf16', compiled: true, resumed_from: null } },
    { n: 9, at: now - 240_000, type: 'excluded', data: { item: 'kitchen/IMG_2031.png', reason: 'smaller than its bucket (512 × 384 px)' } },
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((k) => ({ n: 20 + k, at: now - 200_000, type: 'sample', data: { step: 400, prompt: 'a green frog', seed: k } })),
    { n: 60, at: now - 20_000, type: 'checkpoint', data: { step: 400, bytes: 31_400_000, dir: 'checkpoints/step-400', removed: ['step-100'] } },
  ]),
  'runs.log': () => ({ text: '2026-11-23 05:41:02 loading weights\n2026-11-23 05:41:04 step 1 of 1500\n', truncated: false }),
  'metrics.names': ({ run_id }) => (run_id === 'draft' ? [] : metricNames.map((name) => ({ name, points: 412, last_step: 412, last: 0.2 }))),
  'metrics.series': ({ run_id, names, from = 0, to = null }) => seriesOf(names, from, to ?? (run_id === 'live' ? 412 : 1500)),
  'runs.start': ({ id }) => runs.find((r) => r.id === id)!, 'runs.pause': ({ id }) => runs.find((r) => r.id === id)!, 'runs.stop': ({ id }) => runs.find((r) => r.id === id)!,
  'runs.sampleNow': () => ({ ok: true as const }), 'queue.reorder': () => ({ ok: true as const }),
});

export const empty = (theme: 'light' | 'dark'): Answers => ({
  ...full(theme),
  'runs.list': () => [], 'datasets.list': () => [], 'comparisons.list': () => [], 'queue.list': () => ({ running: [], waiting: [], entries: [], held: false }), 'models.list': () => models.filter((m) => m.builtin), 'jobs.list': () => [measuredJob], 'doctor.last': () => null, 'projects.list': () => [{ id: 'p1', name: 'First project', notes: '', created_at: now, runs: 0 }],
});

/** A comparison trains, and two runs wait behind it. */
export const comparing = (theme: 'light' | 'dark'): Answers => {
  const rest = runs.filter((r) => r.state !== 'running'), waiting = rest.filter((r) => r.state === 'queued');
  return { ...full(theme), 'runs.list': () => [...comparedRuns, ...rest], 'queue.list': () => ({ running: comparedRuns.filter((r) => r.state === 'running'), waiting, entries: [comparedEntry, ...waiting.map(entryOf)], held: false }) };
};

/** The first start of a packed app: TensorFlow is being installed. */
export const first = (theme: 'light' | 'dark'): Answers => ({
  ...empty(theme), 'engine.get': () => ({ ...engine, state: 'installing' as const, version: null, job_id: 'j2' }),
  'jobs.list': () => [{ ...job, id: 'j2', kind: 'engine', title: 'Installing TensorFlow', text: 'Downloading tensorflow-cpu', done: 118, total: 274, eta_s: 31 }],
});
/** … and one where that has failed. */
export const noEngine = (theme: 'light' | 'dark'): Answers => ({
  ...empty(theme), 'engine.get': () => ({ ...engine, state: 'missing' as const, version: null, problem: { code: 'setup.download_failed', message: 'tensorflow-cpu 2.21.0 could not be downloaded: https://pypi.org does not answer (getaddrinfo ENOTFOUND).', hint: 'Check the network connection and start again: it goes on from here.' } }),
});

function noFolder(path: string): never {
  throw new AppError('file.not_found', `There is no folder ${path}.`, 'Choose another.', {});
}
function missing(what: string): never {
  throw new AppError(`${what}s.not_found`, `There is no such ${what}.`, 'It may have been deleted.', {});
}
/** A run that is queued by itself. */
const entryOf = (r: Run): QueueEntry => ({ id: r.id, kind: 'run', name: r.name, state: r.state === 'queued' ? 'waiting' : 'training', part: '', run_ids: [r.id], done_steps: r.step, total_steps: r.total_steps, eta_s: r.eta_s });
const fails = (): never => {
  throw new AppError('db.read_failed', 'The database cannot be read: disk I/O error in lpl-studio.db.', 'Check that the disk is connected, then try again. Nothing has been changed.', { file: '/home/mara/.local/share/lpl-studio/lpl-studio.db', errno: 5 });
};
export const broken = (theme: 'light' | 'dark'): Answers => {
  const base = shared(theme);
  const names = Object.keys(full(theme)).filter((name) => !(name in base)) as (keyof Answers)[];
  return { ...base, ...Object.fromEntries(names.map((name) => [name, fails])) };
};
export const slow = (theme: 'light' | 'dark'): Answers => {
  const base = shared(theme);
  const names = Object.keys(full(theme)).filter((name) => !(name in base)) as (keyof Answers)[];
  return { ...base, ...Object.fromEntries(names.map((name) => [name, () => new Promise(() => {})])) };
};
