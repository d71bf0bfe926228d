/** Shared by the tests of losses, optimizers, samplers and the training step. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ParityFinding, ParityResult } from '../../main/engine/parity/section.ts';

export const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
export const readJson = <T>(path: string): T => JSON.parse(readFileSync(fixture(path), 'utf8')) as T;

/** Largest difference relative to the expected values' largest magnitude; Infinity when lengths differ or a value is not finite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0, size = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(actual[i]!)) return Infinity;
    difference = Math.max(difference, Math.abs(actual[i]! - expected[i]!));
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return size === 0 ? difference : difference / size;
}

/** The results of a parity section; that something is absent is an error. */
export async function compared(findings: AsyncIterable<ParityFinding>): Promise<ParityResult[]> {
  return (await collect(findings)).map((r) => { if ('absent' in r) throw new Error(`${r.part}: ${r.absent.join(', ')} absent`); return r; });
}

/** Everything a parity section yields. */
export async function collect<T>(results: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const r of results) all.push(r);
  return all;
}
