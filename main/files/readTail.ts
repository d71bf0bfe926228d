import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The last `bytes` of a text file, from a line's beginning where it was cut; nothing when there is no file. */
export function readTail(file: string, bytes: number): { text: string; truncated: boolean } {
  let fd: number;
  try { fd = openSync(file, 'r'); } catch { return { text: '', truncated: false }; }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, bytes));
    const text = buffer.toString('utf8', 0, readSync(fd, buffer, 0, buffer.length, size - buffer.length));
    return size <= bytes ? { text, truncated: false } : { text: text.slice(text.indexOf('\n') + 1), truncated: true };
  } finally { closeSync(fd); }
}
