/** Small safetensors files, good and bad, for the checkpoint tests. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folders: string[] = [], root = existsSync('/dev/shm') ? '/dev/shm' : tmpdir(); // flushing a memory disk costs nothing
afterAll(() => Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true }))));

/** A folder that is removed after the tests of the file. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(root, 'lpl-checkpoint-'));
  folders.push(folder);
  return folder;
}

/** A file of exactly this header text (an object is stringified) and data. */
export function rawFile(header: unknown, data: Uint8Array = new Uint8Array(0), claimedLength?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimedLength ?? BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

export async function put(folder: string, name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

export const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** The code of the AppError that `work` throws; fails where it throws none. */
export async function errorOf(work: Promise<unknown>): Promise<{ code: string; message: string; hint: string }> {
  try {
    await work;
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error('no error was thrown');
}
