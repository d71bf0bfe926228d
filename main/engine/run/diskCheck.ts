/** Whether the run's disk has room for its checkpoints: asked before pictures are encoded, not found out after hours. */
import { mkdirSync, statfsSync } from 'node:fs';
import { AppError } from '../../contract/errors.ts';
import { sizeOf } from '../backend/stepCheck.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Trainables } from '../trainables/trainables.ts';

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Bytes of one checkpoint: weights, their optimizer state and EMA, everything in float32. */
export function checkpointBytes({ list }: Pick<Trainables, 'list'>, optimizer: Optimizer, ema: boolean): number {
  const state = (shape: number[]): number => Object.values(optimizer.slots(shape)).reduce((sum, slot) => sum + sizeOf(slot.shape), 0);
  return 4 * list.reduce((sum, { shape }) => sum + sizeOf(shape) * (ema ? 2 : 1) + state(shape), 0);
}

/**
 * Throws disk.full where not even one checkpoint (beside the one it replaces) fits. Returns a warning where those to be kept do not all fit
 * beside the one being written, else null. `have`: checkpoints there are already.
 */
export function checkDisk(folder: string, bytes: number, limit: number, have: number): string | null {
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder), free = bavail * bsize, wanted = bytes * (Math.max(0, limit - have) + 1);
  if (free < bytes) throw new AppError('disk.full', `A checkpoint of this run needs ${mb(bytes)}, but only ${mb(free)} are free at ${folder}.`, 'Free some space, or choose a run folder on another disk.', { folder, bytes, free });
  return free < wanted ? `The ${limit} checkpoints to be kept and the one being written need ${mb(wanted)}, but only ${mb(free)} are free at ${folder}. Keep fewer checkpoints, or free some space.` : null;
}
