/**
 * What a run's numbers depend on besides its settings. Recorded with every checkpoint: a resumed run takes the same kernels, and where it cannot
 * compute as before it says so.
 */
import { availableParallelism, cpus } from 'node:os';
import { z } from 'zod';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { CpuPlan } from '../backend/cpuPlan.ts';
import type { Executor } from '../backend/executor.ts';
import type { ExecutorOptions } from '../backend/select.ts';
import type { FoundCheckpoint } from './checkpointStore.ts';

const computedSchema = z.object({
  engine: z.string(), device: z.string(), kind: z.enum(['compiled', 'eager']), processor: z.string(),
  /** of one operation, and parts of a batch worked on at once */
  threads: z.int(), parts: z.int(),
  /** the precision asked for, and the kinds of operations computed in it where it is a half one */
  precision: z.enum(['fp32', 'bf16', 'fp16']), half: z.array(z.string()),
  /** oneDNN's kernels are asked for one by one, and TensorFlow's own setting of them */
  oneDnn: z.boolean(), oneDnnOption: z.string(),
});
export type Computed = z.output<typeof computedSchema>;

const processor = (): string => cpus()[0]?.model.trim() ?? '';

/** `parts`: those of the plan that this executor works with. */
export function computedWith({ info }: Executor, { precision }: RunConfig['training'], { threads, parts }: CpuPlan): Computed {
  return {
    engine: info.version, device: info.device, kind: info.kind, processor: processor(), threads: threads || availableParallelism(), parts,
    precision, half: info.kernels?.half ?? [], oneDnn: info.kernels?.oneDnn ?? false, oneDnnOption: process.env['TF_ENABLE_ONEDNN_OPTS'] ?? 'default',
  };
}

/** What the checkpoint says; null without one, and for those of versions that did not record it. */
export const computedBefore = (found: FoundCheckpoint | null): Computed | null => computedSchema.safeParse(found?.manifest.state['computed']).data ?? null;

/** The options with which an executor takes the kernels of before; none on another processor, where others are quick and nothing would be as before. */
export function sameKernels(before: Computed | null, { precision }: RunConfig['training'], here = processor()): Pick<ExecutorOptions, 'oneDnn' | 'half'> {
  if (before?.kind !== 'compiled' || before.processor !== here) return {};
  return { oneDnn: before.oneDnn, ...(before.precision === precision ? { half: before.half } : {}) };
}

const words: [keyof Computed, (c: Computed) => string][] = [
  ['engine', (c) => c.engine], ['device', (c) => `the ${c.device}`], ['processor', (c) => c.processor], ['kind', (c) => (c.kind === 'compiled' ? 'compiled steps' : 'op by op')],
  ['threads', (c) => `${c.threads} threads an operation`], ['parts', (c) => `batches in ${c.parts} parts`], ['precision', (c) => c.precision], ['half', (c) => (c.half.length ? `half precision for ${c.half.join(', ')}` : 'float32 throughout')],
  ['oneDnn', (c) => (c.oneDnn ? 'oneDNN\'s kernels' : 'no kernels of oneDNN')], ['oneDnnOption', (c) => `TF_ENABLE_ONEDNN_OPTS ${c.oneDnnOption}`],
];

/** A sentence on what is not as before, or undefined. */
export function notAsBefore(before: Computed | null, now: Computed): string | undefined {
  const differing = before ? words.filter(([key]) => String(before[key]) !== String(now[key])) : [];
  if (!before || differing.length === 0) return undefined;
  const list = (c: Computed): string => differing.map(([, word]) => word(c)).join(', ');
  return `This run was computed with ${list(before)} before its checkpoint, and now with ${list(now)}: its numbers will not be bit-identical to those of a run that was never interrupted.`;
}
