/** Unpacks a zip of pictures into a folder of the app, refusing what tries to break out of it or to fill the disk. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { AppError } from '../contract/errors.ts';
import type { ScanNote } from './scan.ts';

export interface ZipLimits { entries: number; totalBytes: number; entryBytes: number; /** unpacked / packed, for entries above 1 MB */ ratio: number }
export const ZIP_LIMITS: ZipLimits = { entries: 500_000, totalBytes: 64 * 2 ** 30, entryBytes: 512 * 2 ** 20, ratio: 200 };

/** Why an entry's name must not be used as a path, or null. */
export function unsafeName(name: string): string | null {
  if (name.includes('\0')) return 'its name holds a zero byte';
  if (/^([/\\]|[a-zA-Z]:)/.test(name)) return 'its name is an absolute path';
  const parts = name.split(/[/\\]/);
  if (parts.includes('..')) return 'its name leads out of the folder ("../")';
  if (parts.some((p) => Buffer.byteLength(p) > 255)) return 'its name is longer than 255 bytes';
  return null;
}

const isLink = (e: Entry): boolean => ((e.externalFileAttributes >>> 16) & 0o170000) === 0o120000;

function refusal(entry: Entry, name: string, limits: ZipLimits): string | null {
  if (isLink(entry)) return 'it is a symbolic link';
  if (entry.isEncrypted()) return 'it is encrypted';
  if (entry.uncompressedSize > limits.entryBytes) return `unpacked it would have ${Math.round(entry.uncompressedSize / 1e6)} MB`;
  if (entry.uncompressedSize > 1e6 && entry.uncompressedSize > limits.ratio * entry.compressedSize) return 'it unpacks to more than 200 times its size (a zip bomb)';
  if (/\.zip$/i.test(name)) return 'zips inside zips are not opened';
  return unsafeName(name);
}

/** Stops a stream after `limit` bytes: sizes in zip headers may lie. */
export function limited(limit: number): Transform {
  let n = 0;
  return new Transform({ transform(chunk: Buffer, _encoding, done) { n += chunk.length; done(n > limit ? new Error('more bytes than the zip says') : null, chunk); } });
}

/**
 * Unpacks every safe entry of `zip` below `target` (made by this function, inside the app's data folder; what an earlier try left there goes). Refused and broken entries become notes.
 * Throws AppError dataset.zip when the archive as a whole is unusable; what was unpacked by then is removed.
 */
export async function unpackZip(zip: string, target: string, notes: ScanNote[], options: { signal?: AbortSignal; limits?: ZipLimits; progress?: (done: number, total: number) => void } = {}): Promise<void> {
  const limits = options.limits ?? ZIP_LIMITS;
  let archive: ZipFile | undefined;
  try {
    archive = await openPromise(zip, { lazyEntries: true, autoClose: false, decodeStrings: false, validateEntrySizes: true });
    if (archive.entryCount > limits.entries) throw new Error(`${archive.entryCount} entries are more than ${limits.entries}`);
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { recursive: true });
    await unpackEntries(archive, target, notes, limits, options);
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    options.signal?.throwIfAborted();
    throw new AppError('dataset.zip', `The zip ${zip} cannot be used: ${(error as Error).message}.`, 'Unpack it yourself and import the folder, or make the zip again.', { zip });
  } finally { archive?.close(); }
}

async function unpackEntries(archive: ZipFile, target: string, notes: ScanNote[], limits: ZipLimits, options: { signal?: AbortSignal; progress?: (done: number, total: number) => void }): Promise<void> {
  let total = 0, done = 0;
  const written = new Set<string>();
  for await (const entry of archive.eachEntry()) {
    options.signal?.throwIfAborted();
    options.progress?.(done++, archive.entryCount);
    const name = entryName(entry);
    if (/[/\\]$/.test(name)) continue;
    let why = refusal(entry, name, limits);
    const path = name.replaceAll('\\', '/').split('/').filter((p) => p !== '' && p !== '.').join('/');
    if (!why && written.has(path)) why = 'the zip holds a file of this name twice';
    if (!why && total + entry.uncompressedSize > limits.totalBytes) throw new Error(`unpacked it would have more than ${Math.round(limits.totalBytes / 1e9)} GB (a zip bomb)`);
    if (why) { notes.push({ file: name.slice(0, 300), code: 'zip-entry', reason: `not unpacked: ${why}` }); continue; }
    try {
      total += entry.uncompressedSize;
      await writeEntry(archive, entry, join(target, path));
      written.add(path);
    } catch (error) {
      await rm(join(target, path), { force: true }).catch(() => {});
      notes.push({ file: name, code: 'zip-entry', reason: `not unpacked: ${(error as Error).message}` });
    }
  }
}

/** Names are UTF-8 when the zip says so or when they are valid UTF-8, else code page 437's Latin relative. */
function entryName(entry: Entry): string {
  const raw = entry.fileName as unknown as Buffer;
  try { return new TextDecoder('utf-8', { fatal: true }).decode(raw); } catch { return raw.toString('latin1'); }
}

async function writeEntry(archive: ZipFile, entry: Entry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const stream = await archive.openReadStreamPromise(entry);
  await pipeline(stream, limited(entry.uncompressedSize), createWriteStream(path, { flags: 'wx' }));
}

