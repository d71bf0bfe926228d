/**
 * A dry run: a few real steps on the data set's largest bucket in a folder of their own, measured and thrown away. With LPL it
 * runs twice, once without the loss and once with every sample below the threshold: the second needs the most memory a run
 * can need, and between the two lies the time of a step in which some samples take part.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetManifest } from '../contract/datasetManifest.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { Estimate } from '../contract/runs.ts';
import type { Job } from '../contract/system.ts';
import { trainerEventSchema, type TrainerEvent } from '../contract/trainerEvent.ts';
import type { JobContext, Jobs } from '../jobs/jobs.ts';
import type { RunRow } from '../runs/runRow.ts';
import { memoryLimit } from '../runtime/doctor.ts';
import { runChild } from './childJson.ts';
import { withModel } from './modelInspector.ts';

const STEPS = 6;
/** The first steps trace and compile. */
const WARM_UP = 2;
const NO_TIMESTEP = 1, EVERY_TIMESTEP = 1000;
type Step = Extract<TrainerEvent, { type: 'step' }>;
/** What a dry run is given: `prepare` writes the folder's config.json and data as for a real run. */
export interface DryRunPorts { jobs: Jobs; folder: string; prepare: (run: RunRow) => Promise<void>; modelPath: (base: string) => string }

/** The same settings, short, without pictures or checkpoints in between. */
const shortened = (config: RunConfig, lpl: RunConfig['lpl']): RunConfig => ({
  ...config, lpl,
  training: { ...config.training, max_train_steps: STEPS, num_train_epochs: null, checkpointing_steps: 10_000_000 },
  samples: { ...config.samples, prompts: [], sample_every: 0 },
  validation: { ...config.validation, validation_every: 0 },
});

/** One measurement, or with LPL two: with no sample taking part, and with all. */
function variants(config: RunConfig): { name: string; config: RunConfig }[] {
  const { lpl } = config;
  if (!lpl.enabled) return [{ name: '', config: shortened(config, lpl) }];
  return [
    { name: 'without LPL', config: shortened(config, { ...lpl, enabled: false }) },
    { name: 'with LPL', config: shortened(config, { ...lpl, lpl_start: 0, lpl_t_threshold: EVERY_TIMESTEP }) },
  ];
}

/** Only pictures of the bucket with the most pixels, as many as the steps can use: nothing else has to be encoded. */
export function largestBucket(manifest: DatasetManifest, pictures: number): DatasetManifest {
  const training = manifest.items.filter((i) => i.split === 'train');
  const area = ({ bucket: [w, h] }: DatasetManifest['items'][number]): number => w * h;
  const { bucket } = training.filter((i) => !i.prior).reduce((most, i) => (area(i) > area(most) ? i : most));
  return { ...manifest, items: training.filter((i) => i.bucket.join() === bucket.join()).slice(0, Math.max(1, pictures)), left_out: [] };
}

/** Share of the samples that take part in LPL over a whole run, 0 … 1. */
export async function lplShare({ lpl, diffusion, training }: RunConfig): Promise<number> {
  if (!lpl.enabled) return 0;
  const { timestepProbabilities } = await import('../engine/diffusion/timesteps.ts');
  const below = timestepProbabilities(diffusion, EVERY_TIMESTEP).slice(0, Math.max(NO_TIMESTEP, lpl.lpl_t_threshold)).reduce((sum, p) => sum + p, 0);
  const active = training.num_train_epochs === null ? Math.max(0, 1 - lpl.lpl_start / training.max_train_steps) : 1;
  return below * active;
}

const median = (values: readonly number[]): number | null => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? null;
const seconds = (steps: readonly Step[]): number | null => median(steps.slice(WARM_UP).map((s) => s.seconds));
const round = (s: number): string => String(Number(s.toPrecision(2)));

/** `measured`: steps of each variant; `share`: of samples that take part in LPL. */
export function summarise(measured: readonly Step[][], share: number, total: number, bucket: readonly [number, number], available: number): Estimate {
  const [without, all = without] = measured.map(seconds);
  const mean = without === null || without === undefined || all === null || all === undefined ? null : without + share * (all - without);
  const peak = Math.round(Math.max(...measured.flat().map((s) => s.memory.peak_rss_mb)));
  const notes = [`Median of ${STEPS - WARM_UP} steps on the largest bucket, ${bucket.join(' × ')} px, after ${WARM_UP} to warm up. Sample pictures, checkpoints and the first encoding of the data come on top.`];
  if (measured.length > 1 && mean !== null) notes.push(`A step takes ${round(without!)} s without LPL and ${round(all!)} s when every sample takes part; ${Math.round(share * 100)} % of the samples will. The memory is that of a step in which all do.`);
  return {
    source: 'measured', memory_parts: [{ name: 'Peak of the training process', mb: peak }], memory_mb: peak, memory_available_mb: available,
    seconds_per_step: mean, total_seconds: mean === null ? null : mean * total, fits: peak <= available, notes,
  };
}

/** Reads the data as a run would and keeps the largest bucket; also how many steps the whole set asks for. */
async function readData(folder: string, config: RunConfig, modelPath: string, job: JobContext): Promise<{ narrow: DatasetManifest; total: number }> {
  const { openRunDataset } = await import('../engine/data/runDataset.ts');
  const { batchPlan } = await import('../engine/data/batches.ts');
  const align = await withModel(modelPath, (m) => 2 ** ((m.config('vae')['block_out_channels'] as unknown[] | undefined ?? [1, 1, 1, 1]).length - 1));
  const manifest = await openRunDataset(folder, config, align, (done, all) => { job.signal.throwIfAborted(); job.progress('Reading pictures', done, all); });
  const { training } = config;
  const epochs = training.num_train_epochs;
  const total = epochs ? batchPlan(manifest.items.filter((i) => i.split === 'train'), { ...config.data, ...training }).stepsIn(epochs) : training.max_train_steps;
  return { narrow: largestBucket(manifest, STEPS * training.train_batch_size * training.gradient_accumulation_steps), total };
}

/** Runs the variants one after the other. @throws what the training throws, and the signal's reason */
async function measure(config: RunConfig, { prepare, modelPath }: DryRunPorts, folder: string, job: JobContext): Promise<Estimate> {
  const { saveRunDataset } = await import('../engine/data/runDataset.ts');
  const plans = variants(config).map((v, i) => ({ ...v, dir: join(folder, String(i)) }));
  const available = Math.round(memoryLimit().free / 1e6);
  const measured: Step[][] = [];
  let data: Awaited<ReturnType<typeof readData>> | undefined;
  for (const [i, { name, dir, config: short }] of plans.entries()) {
    mkdirSync(dir, { recursive: true });
    await prepare({ folder: dir, config: JSON.stringify(short) } as RunRow);
    const { readRunConfig } = await import('../engine/run/runFolder.ts');
    data ??= await readData(dir, { ...config, data: readRunConfig(join(dir, 'config.json')).data }, modelPath(config.model.base), job);
    saveRunDataset(dir, data.narrow);
    const steps: Step[] = [];
    measured.push(steps);
    const say = (text: string): void => job.progress(name ? `${text}, ${name}` : text, i * STEPS + steps.length, plans.length * STEPS);
    await runChild('main/cli.ts', ['train', dir, '--json'], { signal: job.signal, killSignal: 'SIGKILL', onLine: (line) => {
      const event = trainerEventSchema.safeParse(line).data;
      if (event?.type === 'step') { steps.push(event); say(`Step ${steps.length} of ${STEPS}`); }
      if (event?.type === 'stage') say(event.text);
    } });
  }
  return summarise(measured, await lplShare(config), data!.total, data!.narrow.items[0]!.bucket, available);
}

/** A job whose result is an Estimate. */
export function createDryRun(ports: DryRunPorts): (config: RunConfig) => Job {
  return (config) => ports.jobs.start('dry-run', 'Measuring memory and time', async (job) => {
    const folder = join(ports.folder, job.id);
    try { return await measure(config, ports, folder, job); } finally { rmSync(folder, { recursive: true, force: true }); }
  });
}
