/** What can stop set-up outside of itself (disk, permissions, network), in words and with what to do. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../contract/errors.ts';

const again = 'then start again: it goes on from here.';
export const diskFull = (dir: string, more = ''): AppError => new AppError('setup.disk_full', `There is not enough space for TensorFlow in ${dir}${more}.`, `Free some space, ${again}`, { dir });
const readOnly = (dir: string, code: string): AppError => new AppError('setup.not_writable', `TensorFlow cannot be put into ${dir}: it may not be written (${code}).`, `Make the folder writable, or move LPL Studio to where you may write, ${again}`, { dir, code });

/** Errors of the file system, thrown or printed by pip, as AppError; anything else as it is. */
export function setupError(error: unknown, dir: string): unknown {
  if (error instanceof AppError) return error;
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT' || /ENOSPC|\[Errno (28|122)\]|No space left on device/.test(message)) return diskFull(dir);
  const refused = /^(EROFS|EACCES|EPERM)$/.exec(code)?.[0] ?? /\[Errno (13|30)\]|Read-only file system/.exec(message)?.[0];
  return refused ? readOnly(dir, refused) : error;
}

/** Throws what the system says when nothing may be written where `dir` is or is to be: making a folder there would only be "not found". */
export function checkWritable(dir: string): void {
  if (existsSync(dir) || dirname(dir) === dir) accessSync(dir, constants.W_OK); else checkWritable(dirname(dir));
}

/** Throws setup.disk_full when fewer than `mb` are free. */
export function checkSpace(dir: string, mb: number): void {
  const { bavail, bsize } = statfsSync(dir);
  const free = (bavail * bsize) / 1e6;
  if (free < mb) throw diskFull(dir, `: ${Math.ceil(mb)} MB are needed, ${Math.floor(free)} MB are free`);
}
