/**
 * Starts a packed app with an empty home folder and drives it as a newcomer would: TensorFlow is installed by the app itself, a short LPL run
 * of the demo is trained to its end, its curves and pictures are looked at, the app is closed. Then nothing may have been written outside
 * the data folder. `node scripts/node24.mjs tests/e2e/tryPackage.ts APP_FOLDER_OR_TAR_GZ [--steps N]`; needs Linux, Xvfb, a way to
 * PyPI, and 2 GB of disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { demoConfig } from '../../main/compare/demo.ts';
import { until } from '../api/helpers.ts';
import type { DevtoolsPage } from './devtools.ts';
import { appFolder, filesIn, megabytesIn, startPackaged, stateOf, strays, wrongFuses } from './packagedApp.ts';

const MINUTES = 60_000;
const started = performance.now();
const say = (text: string): void => console.log(`${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s  ${text}`);
function must(ok: boolean, what: string): void {
  if (!ok) throw new Error(`not so: ${what}`);
  say(`ok: ${what}`);
}

/** What a region of the page says; empty when it is not there. */
const says = (page: DevtoolsPage, region: string): Promise<string> => page.evaluate((name) => document.querySelector<HTMLElement>(`section[aria-label="${name}"]`)?.innerText ?? '', region);

/** TensorFlow comes by itself, with its progress on the start page. */
async function firstStart(page: DevtoolsPage): Promise<void> {
  const seen = new Set<string>();
  await until(async () => {
    seen.add((await says(page, 'Training engine')).split('\n').at(-1)!);
    const { state, problem } = await page.ask<{ state: string; problem: { message: string } | null }>('engine.get');
    if (state === 'missing' && problem) throw new Error(problem.message);
    return state === 'ready';
  }, 'TensorFlow', 25 * MINUTES);
  const lines = [...seen].filter(Boolean);
  must(lines.some((line) => line.startsWith('Downloading')) && lines.some((line) => line.startsWith('Unpacking')), `the page showed how the installation went on: ${lines.length} states, such as "${lines[Math.floor(lines.length / 2)]}"`);
  await until(async () => await says(page, 'Training engine') === '', 'the start page to say no more', MINUTES);
}

interface Run { id: string; state: string; step: number; backend: string | null; error: { message: string; hint: string } | null }

/** The demo's LPL arm, cut short, with one picture. */
async function trainDemo(page: DevtoolsPage, pictures: string, steps: number): Promise<void> {
  const model = (await page.ask<{ id: string; builtin: boolean }[]>('models.list')).find((m) => m.builtin)!;
  const demo = demoConfig(model.id, pictures, steps);
  const config = { ...demo, lpl: { ...demo.lpl, enabled: true }, samples: { ...demo.samples, prompts: ['blob emoji of a cat'], seeds: [1], sample_every: steps, num_inference_steps: 6 }, validation: { ...demo.validation, validation_every: 0 } };
  const { id } = await page.ask<Run>('runs.create', { name: 'Packed', config, start: true });
  await page.evaluate((route) => { location.hash = route; }, `#/runs/${id}`);
  const run = await until(async () => {
    const now = await page.ask<Run>('runs.get', { id });
    if (now.state === 'failed' || now.state === 'lost') throw new Error(`the run ended: ${now.error?.message} ${now.error?.hint}`);
    return now.state === 'finished' && now;
  }, 'the run', 20 * MINUTES);
  must(run.step === steps && run.backend === 'tensorflow', `${run.step} steps were trained with LPL on ${run.backend}`);
  await until(() => page.evaluate((text) => document.body.innerText.includes(text), `Finished ${steps} steps`), 'the page to say so', MINUTES);
  await until(() => page.evaluate(() => (document.querySelector<HTMLImageElement>('section[aria-label="Sample pictures"] img')?.naturalWidth ?? 0) > 0, null), 'a sample picture', MINUTES);
  const curves = (await page.ask<{ name: string; points: number }[]>('metrics.names', { run_id: id })).filter((n) => n.points === steps).map((n) => n.name);
  must(curves.includes('loss') && curves.some((name) => name.startsWith('lpl')), `its page shows the end, its picture, and curves of ${steps} points (${curves.slice(0, 5).join(', ')} …)`);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { steps: { type: 'string', default: '12' } } });
if (!positionals[0]) throw new Error('Name the folder of an unpacked app, or a .tar.gz.');
const work = mkdtempSync(join(tmpdir(), 'lpl-try-'));
try {
  const folder = appFolder(positionals[0], work), program = join(folder, 'lpl-studio'), home = join(work, 'home');
  mkdirSync(home);
  say(`${basename(folder)}: ${megabytesIn(folder)} MB in ${filesIn(folder).length} files`);
  const wrong = await wrongFuses(program);
  must(wrong.length === 0, `all fuses are set${wrong.length > 0 ? `: not ${wrong.join(', ')}` : ''}`);
  const asNode = spawnSync(program, ['-e', 'process.stdout.write("a plain Node")'], { encoding: 'utf8', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', DISPLAY: '' }, timeout: 20_000 });
  must(!asNode.stdout.includes('a plain Node'), 'the program cannot be used as a plain Node');
  const before = stateOf(folder);
  const app = await startPackaged(program, home);
  try {
    say('the window is there');
    await firstStart(app.page);
    await trainDemo(app.page, join(folder, 'resources', 'app.asar.unpacked', 'resources', 'demo', 'blobs'), Number(values.steps));
    must(await app.close() === 0, 'it closes when it is told to');
  } catch (error) { console.error(app.log()); throw error; } finally { app.kill(); }
  must(stateOf(folder) === before, 'nothing in the app\'s own folder has changed');
  const outside = strays(home);
  must(outside.length === 0, `nothing was written outside the data folder${outside.length > 0 ? `: ${outside.slice(0, 8).join(', ')}` : ''}`);
} finally { rmSync(work, { recursive: true, force: true, maxRetries: 5 }); }
