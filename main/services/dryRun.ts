/** A dry run: a few real steps of the configuration in a folder of their own, measured and thrown away. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from '../contract/runConfig.ts';
import type { Estimate } from '../contract/runs.ts';
import type { Job } from '../contract/system.ts';
import { trainerEventSchema, type TrainerEvent } from '../contract/trainerEvent.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { RunRow } from '../runs/runRow.ts';
import { memoryLimit } from '../runtime/doctor.ts';
import { runChild } from './childJson.ts';

const STEPS = 6;
type Step = Extract<TrainerEvent, { type: 'step' }>;

/** The same settings, short, without pictures or checkpoints in between. */
const shortened = (config: RunConfig): RunConfig => ({
  ...config,
  training: { ...config.training, max_train_steps: STEPS, num_train_epochs: null, checkpointing_steps: 10_000_000 },
  samples: { ...config.samples, prompts: [], sample_every: 0 },
  validation: { ...config.validation, validation_every: 0 },
});

function summarise(steps: Step[], config: RunConfig): Estimate {
  const times = steps.slice(2).map((s) => s.seconds).sort((a, b) => a - b);
  const seconds = times[Math.floor(times.length / 2)] ?? null;
  const peak = Math.max(...steps.map((s) => s.memory.peak_rss_mb));
  const available = Math.round(memoryLimit().free / 1e6);
  return {
    source: 'measured', memory_parts: [{ name: 'Peak of the training process', mb: Math.round(peak) }], memory_mb: Math.round(peak), memory_available_mb: available, seconds_per_step: seconds,
    total_seconds: seconds === null ? null : seconds * config.training.max_train_steps, fits: peak <= available,
    notes: [`Median of ${times.length} of ${steps.length} steps, after the first two. Sample pictures and checkpoints come on top.`],
  };
}

/** A job whose result is an Estimate. `prepare` writes the folder's config.json and data as for a real run. */
export function createDryRun(jobs: Jobs, cacheDir: string, prepare: (run: RunRow) => Promise<void>): (config: RunConfig) => Job {
  return (config) => jobs.start('dry-run', 'Measuring memory and time', async ({ id, signal, progress }) => {
    const folder = join(cacheDir, id);
    mkdirSync(folder, { recursive: true });
    try {
      await prepare({ folder, config: JSON.stringify(shortened(config)) } as RunRow);
      const steps: Step[] = [];
      await runChild('main/cli.ts', ['train', folder, '--json'], { signal, onLine: (line) => {
        const event = trainerEventSchema.safeParse(line).data;
        if (event?.type === 'step') { steps.push(event); progress(`Step ${steps.length} of ${STEPS}`, steps.length, STEPS + 1); }
        if (event?.type === 'stage') progress(event.text, steps.length, STEPS + 1);
      } });
      return summarise(steps, config);
    } finally { rmSync(folder, { recursive: true, force: true }); }
  });
}
