/**
 * Files dropped on the page of a browser. A browser does not tell where they lie, so they come as bytes and are kept in the app's own folder,
 * under the id that their data set will have.
 */
import { createWriteStream, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../contract/errors.ts';
import type { DatasetContext } from './context.ts';
import { limited, unsafeName, ZIP_LIMITS } from './zipImport.ts';

const ABANDONED_MS = 24 * 3_600_000;
const isId = (id: string): boolean => /^ds_[0-9a-z]{12}$/.test(id);
/** Where the files of a drop are kept. */
export const dropFolder = (context: DatasetContext, id: string): string => join(context.folder, id, 'dropped');

const refused = (path: string, why: string, hint: string): AppError => new AppError('dataset.drop', `${path.slice(0, 300)} was not taken: ${why}.`, hint, { path });

/** Writes one dropped file; `path` is relative, "/" between folders. Throws AppError dataset.drop; half a file does not stay. */
export async function receiveDrop(context: DatasetContext, id: string, path: string, body: Readable): Promise<void> {
  if (!isId(id) || context.store.list().some((row) => row.id === id)) throw refused(path, 'there is no open drop with this id', 'Drop the files again.');
  const unsafe = unsafeName(path);
  if (unsafe || path.split('/').some((part) => part === '' || part === '.')) throw refused(path, unsafe ?? 'its name is no file name', 'Rename it and drop it again.');
  const target = join(dropFolder(context, id), path);
  try {
    await mkdir(dirname(target), { recursive: true });
    await pipeline(body, limited(ZIP_LIMITS.totalBytes), createWriteStream(target, { flags: 'wx' }));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') await rm(target, { force: true }).catch(() => {});
    throw refused(path, { EEXIST: 'a file of this name was dropped already', ENOSPC: 'the disk is full', EACCES: 'the data folder may not be written to' }[code ?? ''] ?? message, 'Use "Add a folder…": then nothing has to be copied.');
  }
}

/** What was dropped, for datasets.import: the one folder or file that it was, else everything together. Throws AppError dataset.drop. */
export async function droppedPaths(context: DatasetContext, id: string): Promise<string[]> {
  const folder = dropFolder(context, id);
  const names = isId(id) ? await readdir(folder).catch(() => []) : [];
  if (names.length === 0) throw refused('The drop', 'no file of it arrived', 'Drop the files again.');
  const only = join(folder, names[0]!);
  return names.length === 1 && (statSync(only).isDirectory() || /\.zip$/i.test(only)) ? [only] : [folder];
}

/** Removes copies of drops that never became a data set (the page was closed meanwhile) and are a day old. */
export function removeAbandonedDrops(context: DatasetContext): void {
  const known = new Set(context.store.list().map((row) => row.id));
  for (const id of existsSync(context.folder) ? readdirSync(context.folder) : []) {
    const folder = join(context.folder, id);
    if (isId(id) && !known.has(id) && readdirSync(folder).join() === 'dropped' && Date.now() - statSync(folder).mtimeMs > ABANDONED_MS) rmSync(folder, { recursive: true, force: true });
  }
}
