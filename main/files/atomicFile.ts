/** Files that matter are written beside their place, flushed, and renamed into it: a crash leaves the old file or the new one, never half. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../contract/errors.ts';

/** Flushes a directory's entries, so that a rename in it survives a power cut. Windows cannot open directories; NTFS journals the rename. */
export function fsyncDirectory(dir: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(dir, 'r');
  try { fsyncSync(fd); } finally { closeSync(fd); }
}

/** Writes all bytes; a short write (disk nearly full) continues until the system reports the error. */
export function writeFully(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.byteLength;) at += writeSync(fd, data, at, data.byteLength - at);
}

/** Replaces `path` atomically. Throws AppError disk.* when the disk is full or not writable. */
export function writeFileAtomic(path: string, data: string | Uint8Array): void {
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(temporary, 'w');
    try {
      writeFully(fd, typeof data === 'string' ? Buffer.from(data) : data);
      fsyncSync(fd);
    } finally { closeSync(fd); }
    renameSync(temporary, path);
    fsyncDirectory(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw diskError(error, path);
  }
}

const explained: Record<string, [code: string, what: string, hint: string]> = {
  ENOSPC: ['disk.full', 'The disk is full', 'Free some space (older checkpoints and caches are the usual suspects), then try again, or resume the run: nothing saved before is lost.'],
  EDQUOT: ['disk.full', 'The disk quota is used up', 'Free some space or raise the quota, then try again, or resume the run: nothing saved before is lost.'],
  EFBIG: ['disk.full', 'The file is larger than the disk or its limits allow', 'Choose another disk, or raise the file size limit.'],
  EACCES: ['disk.not_writable', 'The file may not be written', 'Choose a folder that you can write to, or change its permissions.'],
  EPERM: ['disk.not_writable', 'The file may not be written', 'Choose a folder that you can write to, or change its permissions.'],
  EROFS: ['disk.not_writable', 'The disk is read-only', 'Choose a folder on a disk that you can write to.'],
};

/** A file system error as AppError where a user can do something about it; anything else is returned as it is. */
export function diskError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  const known = explained[code];
  return known ? new AppError(known[0], `${known[1]}: ${path}`, known[2], { path, code }) : error;
}

export const writeJson = (path: string, value: unknown): void => writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
