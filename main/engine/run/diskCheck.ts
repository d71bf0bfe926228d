/** Whether the run's disk has room for its checkpoints: asked before the first step, not found out after hours. */
import { mkdirSync, statfsSync } from 'node:fs';
import { AppError } from '../../contract/errors.ts';
import type { Executor } from '../backend/executor.ts';
import type { StateGroups } from './checkpoints.ts';

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Bytes of one checkpoint: everything in float32. */
export function checkpointBytes(executor: Executor, groups: StateGroups): number {
  const specs = executor.variables();
  return 4 * Object.values(groups).flat().reduce((sum, name) => sum + specs.get(name)!.shape.reduce((a, b) => a * b, 1), 0);
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
