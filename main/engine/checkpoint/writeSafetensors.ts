/** Writes safetensors files: temp → fsync → rename, one tensor in memory at a time, hashed on the way, read back after. */
import { createHash, randomBytes, type Hash } from 'node:crypto';
import { mkdir, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { bytesPerElement, type Dtype } from './dtype.ts';
import { elementCount, type TensorInfo } from './header.ts';
import { SafetensorsFile } from './safetensors.ts';

/** A tensor to write; `bytes` is called once, when its turn comes. */
export interface TensorToWrite { name: string; dtype: Dtype; shape: number[]; bytes(): Uint8Array | Promise<Uint8Array> }
export interface WrittenFile { path: string; bytes: number; /** of the whole file */ sha256: string; /** of the data after the header, as ModelSpec and kohya's sshs_model_hash want it */ dataSha256: string }

const sizeOf = (t: TensorToWrite): number => elementCount(t.shape) * bytesPerElement[t.dtype];

/** Tensors in the order the reference implementation writes them: wide formats first (for alignment), then by name. */
export function fileOrder<T extends { name: string; dtype: Dtype }>(tensors: Iterable<T>): T[] {
  return [...tensors].sort((a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The 8 bytes of length and the JSON, padded with spaces to a multiple of 8. `tensors` in file order. */
export function headerBytes(tensors: TensorToWrite[], metadata: Record<string, string>): Uint8Array {
  let position = 0;
  const entries: [string, unknown][] = Object.keys(metadata).length ? [['__metadata__', metadata]] : [];
  for (const t of tensors) entries.push([t.name, { dtype: t.dtype, shape: t.shape, data_offsets: [position, (position += sizeOf(t))] }]);
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)), 'utf8');
  const out = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  out.writeBigUInt64LE(BigInt(out.length - 8), 0);
  json.copy(out, 8);
  return out;
}

async function checkSpace(path: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < needed) throw diskFull(path, needed, bavail * bsize);
}
/** For people: 12 kB, 3.4 MB. */
const amount = (bytes: number): string => (bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const diskFull = (path: string, needed: number, free?: number): AppError =>
  new AppError('disk.full', `${path} needs ${amount(needed)}${free === undefined ? '' : `, but only ${amount(free)} are free`}.`,
    'Free some space or choose another folder. Nothing was overwritten.', { path, needed, free });

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) done += (await file.write(bytes, done, Math.min(1 << 26, bytes.byteLength - done))).bytesWritten;
}

async function writeData(file: FileHandle, tensors: TensorToWrite[], hashes: Hash[], onProgress?: (done: number, total: number) => void): Promise<void> {
  let done = 0;
  for (const t of tensors) {
    const bytes = await t.bytes();
    if (bytes.byteLength !== sizeOf(t)) throw new RangeError(`${t.name}: ${bytes.byteLength} bytes for [${t.shape}] ${t.dtype}`);
    for (const h of hashes) h.update(bytes);
    await writeAll(file, bytes);
    onProgress?.(++done, tensors.length);
  }
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

/**
 * Writes `tensors` to `path`, which holds the old or the complete new file at every moment. `check` looks at the new file
 * under its temporary name; what it throws leaves the old one in place.
 * Throws disk.full (before anything is written, where it can be known); the temporary file is removed on failure.
 */
export async function writeSafetensors(path: string, tensors: Iterable<TensorToWrite>, metadata: Record<string, string> = {}, onProgress?: (done: number, total: number) => void, check?: (file: WrittenFile) => Promise<void>): Promise<WrittenFile> {
  const ordered = fileOrder(tensors), header = headerBytes(ordered, metadata);
  const bytes = header.byteLength + ordered.reduce((sum, t) => sum + sizeOf(t), 0);
  await mkdir(dirname(path), { recursive: true });
  await checkSpace(path, bytes);
  const temp = join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);
  const whole = createHash('sha256').update(header), data = createHash('sha256');
  try {
    const file = await open(temp, 'wx');
    try {
      await writeAll(file, header);
      await writeData(file, ordered, [whole, data], onProgress);
      await file.sync();
    } finally { await file.close(); }
    const hashes = { bytes, sha256: whole.digest('hex'), dataSha256: data.digest('hex') };
    await check?.({ path: temp, ...hashes });
    await rename(temp, path);
    await syncFolder(dirname(path));
    return { path, ...hashes };
  } catch (error) {
    await rm(temp, { force: true });
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? diskFull(path, bytes) : error;
  }
}

/** sha256 of a file, read in pieces. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256'), file = await open(path, 'r');
  for await (const piece of file.createReadStream({ highWaterMark: 1 << 22 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** Reads a written file back: same hash, a sound header, the same tensors. Throws file.readback. */
export async function verifyWritten(written: WrittenFile, tensors: Iterable<Pick<TensorInfo, 'name' | 'dtype' | 'shape'>>): Promise<void> {
  const fail = (what: string) => new AppError('file.readback', `${written.path} was written, but reading it back failed: ${what}.`,
    'The disk may be failing. Export again, to another disk if it happens again.', { path: written.path });
  if ((await hashFile(written.path)) !== written.sha256) throw fail('its content differs');
  const file = await SafetensorsFile.open(written.path);
  try {
    for (const t of tensors) {
      const info = file.tensors.get(t.name);
      if (!info || info.dtype !== t.dtype || `${info.shape}` !== `${t.shape}`) throw fail(`tensor "${t.name}" differs`);
    }
  } finally { await file.close(); }
}
