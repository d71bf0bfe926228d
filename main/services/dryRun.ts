/**
 * A dry run: a few real steps on the data set's largest bucket in a folder of their own, measured and thrown away. With LPL it
 * runs twice, without the loss and with a known share of the samples below the threshold: a step's time grows in a straight line
 * with that share. The second run takes half of them where a batch has several, so that as in a real run every number of samples
 * gets its graph, and its memory; a single or stratified sample is taken always. The first run also draws a few pictures, validates and saves.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetManifest } from '../contract/datasetManifest.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import { dryRunStarts, type Estimate } from '../contract/runs.ts';
import type { Job } from '../contract/system.ts';
import { trainerEventSchema, type TrainerEvent } from '../contract/trainerEvent.ts';
import type { JobContext, Jobs } from '../jobs/jobs.ts';
import type { RunRow } from '../runs/runRow.ts';
import { memoryLimit } from '../runtime/doctor.ts';
import { runChild } from './childJson.ts';
import { upkeep, wholeRun, type DataCounts, type Timed } from './dryRunTimes.ts';
import { withModel } from './modelInspector.ts';

/** The first steps trace and compile. */
const WARM_UP = 2;
const TIMESTEPS = 1000;
/** Real runs of the built-in model (LoRA and full, with and without LPL) went 3 to 14 % above what a few steps had shown. */
const LATER = 0.1;
/** Pictures that are drawn, or validated, at once: small ones go together (engine/run/batching.ts). What is measured has to fill such a batch: it costs the same with fewer. */
const atOnce = (side: number): number => Math.max(1, Math.min(16, Math.floor(4096 / (side / 8) ** 2)));
/** Held-out pictures that are validated. */
const probed = ({ data }: Pick<RunConfig, 'data'>): number => Math.max(2, atOnce(data.resolution));
type Step = Extract<TrainerEvent, { type: 'step' }>;
/** What a dry run is given: `prepare` writes the folder's config.json and data as for a real run. */
export interface DryRunPorts { jobs: Jobs; folder: string; prepare: (run: RunRow) => Promise<void>; modelPath: (base: string) => string }

/** The same settings, short, without checkpoints in between; `looks`: a few pictures are drawn and validated, at the start and at the end. */
const shortened = (config: RunConfig, lpl: RunConfig['lpl'], steps: number, looks: boolean): RunConfig => ({
  ...config, lpl, samples: { ...(looks ? fewSamples(config) : { ...config.samples, prompts: [] }), sample_every: 0 },
  training: { ...config.training, max_train_steps: steps, num_train_epochs: null, checkpointing_steps: 10_000_000 },
  validation: { ...config.validation, validation_every: looks && config.validation.validation_every > 0 ? 10_000_000 : 0, validation_images: Math.min(probed(config), config.validation.validation_images) },
});
/** As many pictures as are drawn at once (small ones go together), by a few steps of the sampler: what one more costs is the same. */
function fewSamples({ samples, data }: RunConfig): RunConfig['samples'] {
  const together = atOnce(samples.sample_size ?? data.resolution);
  const prompts = samples.prompts.slice(0, together);
  return { ...samples, prompts, seeds: samples.seeds.slice(0, Math.max(1, Math.floor(together / Math.max(1, prompts.length)))), num_inference_steps: Math.min(3, samples.num_inference_steps) };
}

interface Variant { name: string; config: RunConfig; steps: number; /** of the samples that take part in LPL */ share: number }

/** One measurement, or with LPL two. */
export function variants(config: RunConfig): Variant[] {
  const { lpl } = config, [plain, full] = dryRunStarts(config);
  if (!full) return [{ name: '', config: shortened(config, lpl, plain!.steps, true), ...plain! }];
  const bias = { ...config.diffusion, timestep_bias_strategy: 'none' as const };
  return [
    { name: 'without LPL', config: shortened(config, { ...lpl, enabled: false }, plain!.steps, true), ...plain! },
    { name: 'with LPL', config: { ...shortened(config, { ...lpl, lpl_start: 0, lpl_t_threshold: full.share * TIMESTEPS }, full.steps, false), diffusion: bias }, ...full },
  ];
}

/** Only pictures of the bucket with the most pixels, as many as the steps can use, and `probes` that are held out: nothing else has to be encoded. */
export function largestBucket(manifest: DatasetManifest, pictures: number, probes: number): DatasetManifest {
  const training = manifest.items.filter((i) => i.split === 'train');
  const area = ({ bucket: [w, h] }: DatasetManifest['items'][number]): number => w * h;
  const { bucket } = training.filter((i) => !i.prior).reduce((most, i) => (area(i) > area(most) ? i : most));
  const held = manifest.items.filter((i) => i.split === 'validation').toSorted((a, b) => Number(b.bucket.join() === bucket.join()) - Number(a.bucket.join() === bucket.join())).slice(0, probes);
  return { ...manifest, items: [...training.filter((i) => i.bucket.join() === bucket.join()).slice(0, Math.max(1, pictures)), ...held], left_out: [] };
}

/** Share of the samples that take part in LPL over a whole run, 0 … 1. */
export async function lplShare({ lpl, diffusion, training }: RunConfig): Promise<number> {
  if (!lpl.enabled) return 0;
  const { timestepProbabilities } = await import('../engine/diffusion/timesteps.ts');
  const below = timestepProbabilities(diffusion, TIMESTEPS).slice(0, lpl.lpl_t_threshold).reduce((sum, p) => sum + p, 0);
  const active = training.num_train_epochs === null ? Math.max(0, 1 - lpl.lpl_start / training.max_train_steps) : 1;
  return below * active;
}

const median = (values: readonly number[]): number | null => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
const seconds = (steps: readonly Step[]): number | null => median(steps.slice(WARM_UP).map((s) => s.seconds));
const round = (s: number): string => String(Number(s.toPrecision(2)));

export interface Measured extends Timed { steps: readonly Step[]; share: number }
/** What the run is: its settings, its share of samples in LPL, its steps, its data. */
export interface Planned { config: RunConfig; share: number; total: number; bucket: readonly [number, number]; available: number; data: DataCounts }

/** `measured`: each variant with the share of samples that took part in LPL; `planned.share`: of those that will. */
export function summarise(measured: readonly Measured[], { config, share, total, bucket, available, data }: Planned): Estimate {
  const [plain, full] = [measured[0]!, measured.at(-1)!];
  const first = seconds(plain.steps), second = seconds(full.steps);
  const all = first === null || second === null || full === plain ? null : first + (second - first) / full.share;
  const mean = first === null || all === null ? first : first + share * (all - first);
  const peak = Math.round(Math.max(...measured.flatMap((m) => m.steps).map((s) => s.memory.peak_rss_mb))), later = Math.round(LATER * peak);
  const parts = mean === null ? [] : wholeRun(upkeep(plain, full, second ?? mean, { encoded: data.encoded, probes: Math.min(probed(config), data.validation) * config.validation.validation_bins, unseen: full.share === 1 && share > 0 && share < 1 ? 1 : 0 }), mean, total, config, data);
  const notes = [`Steps on the largest bucket, ${bucket.join(' × ')} px, median after ${WARM_UP} to warm up.`];
  if (all !== null) notes.push(`A step takes ${round(first!)} s without LPL and about ${round(all)} s when every sample takes part; ${Math.round(share * 100)} % of the samples will.`);
  return {
    source: 'measured', memory_parts: [{ name: 'Peak of the training process', mb: peak }, { name: 'Further graphs and pictures', mb: later }], memory_mb: peak + later, memory_available_mb: available,
    seconds_per_step: mean, total_seconds: mean === null ? null : parts.reduce((sum, p) => sum + p.seconds, 0), time_parts: parts, fits: peak + later <= available, notes,
  };
}

/** Reads the data as a run would and keeps the largest bucket; also how many steps the whole set asks for. */
async function readData(folder: string, config: RunConfig, modelPath: string, job: JobContext): Promise<{ narrow: DatasetManifest; total: number; counts: DataCounts }> {
  const { openRunDataset } = await import('../engine/data/runDataset.ts');
  const { batchPlan } = await import('../engine/data/batches.ts');
  const align = await withModel(modelPath, (m) => 2 ** ((m.config('vae')['block_out_channels'] as unknown[] | undefined ?? [1, 1, 1, 1]).length - 1));
  const manifest = await openRunDataset(folder, config, align, (done, all) => { job.signal.throwIfAborted(); job.progress('Reading pictures', done, all); });
  const { training } = config;
  const epochs = training.num_train_epochs;
  const total = epochs ? batchPlan(manifest.items.filter((i) => i.split === 'train'), { ...config.data, ...training }).stepsIn(epochs) : training.max_train_steps;
  const narrow = largestBucket(manifest, Math.max(...dryRunStarts(config).map((s) => s.steps)) * training.train_batch_size * training.gradient_accumulation_steps, probed(config));
  const validation = config.validation.validation_every > 0 ? Math.min(config.validation.validation_images, manifest.items.filter((i) => i.split === 'validation').length) : 0;
  const trained = manifest.items.filter((i) => i.split === 'train');
  return { narrow, total, counts: { pictures: trained.length + validation, encoded: narrow.items.length, buckets: new Set(trained.map((i) => i.bucket.join())).size, validation } };
}

/** Runs the variants one after the other. @throws what the training throws, and the signal's reason */
async function measure(config: RunConfig, { prepare, modelPath }: DryRunPorts, folder: string, job: JobContext): Promise<Estimate> {
  const { saveRunDataset } = await import('../engine/data/runDataset.ts');
  const plans = variants(config).map((v, i) => ({ ...v, dir: join(folder, String(i)) }));
  const available = Math.round(memoryLimit().free / 1e6);
  const measured: Measured[] = [];
  const planned = plans.reduce((sum, p) => sum + p.steps, 0);
  let data: Awaited<ReturnType<typeof readData>> | undefined;
  for (const { name, dir, config: short, steps: wanted, share } of plans) {
    mkdirSync(dir, { recursive: true });
    await prepare({ folder: dir, config: JSON.stringify(short) } as RunRow);
    const { readRunConfig } = await import('../engine/run/runFolder.ts');
    data ??= await readData(dir, { ...config, data: readRunConfig(join(dir, 'config.json')).data }, modelPath(config.model.base), job);
    saveRunDataset(dir, data.narrow);
    const steps: Step[] = [], events: TrainerEvent[] = [], spawned = Date.now();
    const before = measured.reduce((sum, m) => sum + m.steps.length, 0);
    const say = (text: string): void => job.progress(name ? `${text}, ${name}` : text, before + steps.length, planned);
    await runChild('main/cli.ts', ['train', dir, '--json'], { signal: job.signal, killSignal: 'SIGKILL', onLine: (line) => {
      const event = trainerEventSchema.safeParse(line).data;
      if (event) events.push(event);
      if (event?.type === 'step') { steps.push(event); say(`Step ${steps.length} of ${wanted}`); }
      if (event?.type === 'stage') say(event.text);
    } });
    measured.push({ steps, share, events, spawned, ended: Date.now() });
  }
  return summarise(measured, { config, share: await lplShare(config), total: data!.total, bucket: data!.narrow.items[0]!.bucket, available, data: data!.counts });
}

/** A job whose result is an Estimate. */
export function createDryRun(ports: DryRunPorts): (config: RunConfig) => Job {
  return (config) => ports.jobs.start('dry-run', 'Measuring memory and time', async (job) => {
    const folder = join(ports.folder, job.id);
    try { return await measure(config, ports, folder, job); } finally { rmSync(folder, { recursive: true, force: true }); }
  });
}
