/** The checkpoints of a run: saving, finding the one to resume from, and letting old ones go only once a newer one is read back. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { AppError, toAppError } from '../../contract/errors.ts';
import { checkpointName, verifyCheckpoint, writeCheckpoint, type CheckpointGroups, type CheckpointManifest } from './checkpointFiles.ts';

export interface FoundCheckpoint { dir: string; manifest: CheckpointManifest }
export interface SavedCheckpoint { dir: string; bytes: number; sha256: string; removed: string[] }

const stepOf = (name: string): number | undefined => { const m = /^step-(\d{8,})$/.exec(name); return m ? Number(m[1]) : undefined; };

/** Names of the run's checkpoints, oldest first. */
export function listCheckpoints(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).filter((n) => stepOf(n) !== undefined).sort((a, b) => stepOf(a)! - stepOf(b)!);
}

/** Steps done at the run's newest checkpoint, 0 without one. */
export const newestStep = (root: string): number => stepOf(listCheckpoints(root).at(-1) ?? '') ?? 0;

/** Removes what a killed process left half written; puts back a checkpoint whose replacement never came. Call before anything else. */
export function cleanCheckpoints(root: string): void {
  if (!existsSync(root)) return;
  for (const name of readdirSync(root)) {
    const old = /^\.old-(step-\d+)-\d+$/.exec(name)?.[1];
    if (old && !existsSync(join(root, old))) renameSync(join(root, name), join(root, old));
    else if (old || name.startsWith('.tmp-step-')) rmSync(join(root, name), { recursive: true, force: true });
  }
}

/** Saves, reads back, and then removes the oldest beyond `limit` and those set aside by an earlier resume. */
export async function saveCheckpoint(root: string, step: number, groups: CheckpointGroups, state: Record<string, unknown>, limit: number): Promise<SavedCheckpoint> {
  mkdirSync(root, { recursive: true });
  const dir = join(root, checkpointName(step));
  const manifest = await writeCheckpoint(dir, step, groups, state);
  const others = listCheckpoints(root).filter((n) => n !== checkpointName(step));
  const removed = [...others.slice(0, Math.max(0, others.length - (limit - 1))), ...readdirSync(root).filter((n) => n.startsWith('superseded-'))];
  for (const name of removed) rmSync(join(root, name), { recursive: true, force: true });
  return { dir, bytes: Object.values(manifest.files).reduce((sum, f) => sum + f.bytes, 0), sha256: manifest.sha256, removed };
}

/**
 * The checkpoint to resume from. `latest`: the newest that is whole; damaged ones are skipped, each with a warning. Otherwise a name or a
 * path, which must be whole. Returns null when there is none. Throws checkpoint.missing, checkpoint.damaged, checkpoint.none_whole.
 */
export async function findCheckpoint(root: string, which: string, warn: (error: AppError) => void): Promise<FoundCheckpoint | null> {
  if (which !== 'latest') {
    const dir = isAbsolute(which) ? which : join(root, which);
    if (!existsSync(dir)) throw new AppError('checkpoint.missing', `There is no checkpoint ${dir}.`, `Choose one of: ${listCheckpoints(root).join(', ') || '(none)'}; or "latest".`, { dir });
    return { dir, manifest: await verifyCheckpoint(dir) };
  }
  const names = listCheckpoints(root).reverse();
  for (const name of names) {
    const dir = join(root, name);
    try { return { dir, manifest: await verifyCheckpoint(dir) }; } catch (error) {
      const data = toAppError(error);
      warn(new AppError(data.code, data.message, data.hint, data.details));
    }
  }
  if (names.length) throw new AppError('checkpoint.none_whole', `All ${names.length} checkpoints in ${root} are damaged.`, 'Check the disk; start the run again in a new folder.', { root });
  return null;
}

/** Sets newer checkpoints aside when an older one is resumed from, so that "latest" means the new history. Returns their names. */
export function supersedeAfter(root: string, step: number): string[] {
  const newer = listCheckpoints(root).filter((n) => stepOf(n)! > step);
  for (const name of newer) {
    rmSync(join(root, `superseded-${name}`), { recursive: true, force: true });
    renameSync(join(root, name), join(root, `superseded-${name}`));
  }
  return newer;
}
