/**
 * How a training step shares out the processor.
 *
 * TensorFlow runs an operation on all cores, but the operations of small models are too short for that: two cores are 1.2 times as fast as
 * one. With one core an operation and the batch in as many parts as there are cores, which are independent of each other, they are twice as
 * fast. Large models gain nothing and every part would have gradients of its own; they go the usual way.
 */
import { availableParallelism } from 'node:os';
import type { Executor } from './executor.ts';

export interface CpuPlan { /** threads of one operation; 0: all */ threads: number; /** parts of a batch */ parts: number }

/** Gradients of more values than this are not kept once a part (64 M values are 256 MB). */
const MOST_VALUES = 2 ** 26;

/** `threads`: those allowed, 0 for all of the machine's. `trainedValues`: how many numbers are trained. */
export function cpuPlan({ threads, batch, trainedValues }: { threads: number; batch: number; trainedValues: number }, cores = availableParallelism()): CpuPlan {
  const allowed = threads || cores;
  if (allowed < 2 || batch < allowed || trainedValues > MOST_VALUES) return { threads, parts: 1 };
  return { threads: 1, parts: allowed };
}

/** The plan's parts on this executor: only compiled steps run independent operations at once. */
export const partsOn = ({ info }: Executor, { parts }: CpuPlan): number => (info.kind === 'compiled' && info.device === 'CPU' ? parts : 1);
