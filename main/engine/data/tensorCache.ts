/**
 * Computed tensors kept by key: on disk (one safetensors file each, written atomically, its content hashed) and, up to a budget, in
 * memory. A file that is damaged is computed again, and said so.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, toAppError } from '../../contract/errors.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import { writeSafetensors } from '../checkpoint/writeSafetensors.ts';
import { diskBudget } from './diskBudget.ts';

export interface HostFloats { shape: number[]; data: Float32Array }
export type CachedTensors = Record<string, HostFloats>;
export interface TensorCache {
  has(key: string): boolean;
  /** What `compute` once gave for the key; it is called where the cache has nothing whole. */
  get(key: string, compute: () => Promise<CachedTensors>): Promise<CachedTensors>;
  put(key: string, tensors: CachedTensors): Promise<void>;
}
export interface CacheOptions {
  /** null: memory only */
  dir: string | null;
  memoryBytes: number;
  /** most bytes that `dir` may hold; left out: no limit. A cache within a limit does without the disk where writing fails. */
  diskBytes?: number;
  onDamaged?: (file: string) => void;
  /** writing failed, and is not tried again */
  onUnwritable?: (error: Error) => void;
}

/** A cache key: SHA-256 of the parts. */
export const cacheKey = (...parts: (string | number | boolean)[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

export function openTensorCache({ dir, memoryBytes, diskBytes, onDamaged, onUnwritable }: CacheOptions): TensorCache {
  const memory = new Map<string, CachedTensors>(), budget = dir !== null && diskBytes !== undefined ? diskBudget(dir, diskBytes) : null;
  let used = 0, writable = true;
  const file = (key: string): string | null => dir && join(dir, key.slice(0, 2), `${key}.safetensors`);
  const remember = (key: string, tensors: CachedTensors): void => {
    const bytes = sizeOf(tensors);
    if (memory.has(key) || used + bytes > memoryBytes) return;
    memory.set(key, tensors);
    used += bytes;
  };
  const put = async (key: string, tensors: CachedTensors): Promise<void> => {
    remember(key, tensors);
    const path = file(key), bytes = sizeOf(tensors) + HEADER_BYTES;
    if (!path || !writable) return;
    try {
      if (budget && !budget.makeRoom(bytes)) return;
      await write(path, tensors);
      budget?.used(path, bytes);
    } catch (error) {
      if (!budget) throw cacheFull(dir!, error);
      writable = false;
      onUnwritable?.(error as Error);
    }
  };
  const stored = (key: string): boolean => { const path = file(key); return path !== null && existsSync(path); };
  return {
    put,
    has: (key) => memory.has(key) || stored(key),
    async get(key, compute) {
      const known = memory.get(key);
      if (known) return known;
      const found = stored(key) ? await read(file(key)!) : undefined;
      if (found) { budget?.used(file(key)!, sizeOf(found) + HEADER_BYTES); remember(key, found); return found; }
      if (stored(key)) {
        onDamaged?.(file(key)!);
        try { budget?.discard(file(key)!); } catch { /* stays, and is written over */ }
      }
      const tensors = await compute();
      await put(key, tensors);
      return tensors;
    },
  };
}

/** What people can do about a full disk is another thing here than for files that they asked for. */
function cacheFull(dir: string, error: unknown): unknown {
  const { code, message } = toAppError(error);
  return code !== 'disk.full' ? error : new AppError(code, `There is no room for what is computed once and kept in the cache folder ${dir}: ${message}`,
    'Free some space there, or let the environment variable LPL_CACHE name a folder on another disk. The cache folder may be deleted while nothing trains: it is computed again.', { folder: dir });
}

/** Names, shapes and hash of a file, at most. */
const HEADER_BYTES = 4096;
const sizeOf = (tensors: CachedTensors): number => Object.values(tensors).reduce((sum, t) => sum + t.data.byteLength, 0);
const bytesOf = (t: HostFloats): Uint8Array => new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);
function digest(tensors: CachedTensors): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(tensors).sort()) hash.update(name).update(JSON.stringify(tensors[name]!.shape)).update(bytesOf(tensors[name]!));
  return hash.digest('hex');
}

async function write(path: string, tensors: CachedTensors): Promise<void> {
  await writeSafetensors(path, Object.entries(tensors).map(([name, t]) => ({ name, dtype: 'F32' as const, shape: t.shape, bytes: () => bytesOf(t) })), { content_sha256: digest(tensors) });
}

/** The file's tensors, or undefined where it is damaged. */
async function read(path: string): Promise<CachedTensors | undefined> {
  let opened: SafetensorsFile | undefined;
  try {
    opened = await SafetensorsFile.open(path);
    const tensors: CachedTensors = {};
    for (const [name, { shape }] of opened.tensors) tensors[name] = { shape, data: await opened.readFloat(name) };
    return digest(tensors) === opened.metadata['content_sha256'] ? tensors : undefined;
  } catch { return undefined; } finally { await opened?.close(); }
}
