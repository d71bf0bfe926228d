/** Groups of equal and nearly equal pictures, and which one of a group to keep. */
import { describe } from './descriptor.ts';
import { KdTree } from './kdTree.ts';
import { alignedResidual } from './nearAlign.ts';
import { THUMB_BYTES as HALF } from './signature.ts';

/** Descriptors farther apart than this (grey levels) are not compared further: 99 % of crops, JPEGs, frames lie within. */
const RADIUS = 10;
/** Aligned pictures with more left over than this are different (tuned on Noto emoji, held on Fluent's: see tests/datasets/nearDuplicates). */
const MAX_RMS = 14;
const MAX_BLOCK = 16;

/** Union-find over 0…n−1. */
export class Groups {
  private readonly parent: Int32Array;
  constructor(n: number) { this.parent = Int32Array.from({ length: n }, (_, i) => i); }
  find(i: number): number {
    while (this.parent[i] !== i) i = this.parent[i] = this.parent[this.parent[i]!]!;
    return i;
  }
  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    if (x !== y) this.parent[Math.max(x, y)] = Math.min(x, y);
  }
}

/** Signatures are whole and trimmed thumb one after the other. True when the two show the same picture. */
export function isNearDuplicate(a: Uint8Array, b: Uint8Array): boolean {
  return [HALF, 0].some((from) => {
    const { rms, block } = alignedResidual(a.subarray(from, from + HALF), b.subarray(from, from + HALF));
    return rms <= MAX_RMS && block <= MAX_BLOCK;
  });
}

export interface NearSearch { n: number; signature: (index: number) => Uint8Array; signal?: AbortSignal; progress?: (done: number) => void }

/**
 * Joins near-duplicates: for every picture its neighbours in the k-d trees of whole and trimmed descriptors (exact search), each
 * verified by alignment unless already joined. Yields to the event loop between pictures. Throws on abort.
 */
export async function joinNearDuplicates(search: NearSearch, groups: Groups): Promise<void> {
  const whole: Float32Array[] = [], trimmed: Float32Array[] = [];
  for (let i = 0; i < search.n; i++) {
    const s = search.signature(i);
    whole.push(describe(s.subarray(0, HALF)));
    trimmed.push(describe(s.subarray(HALF)));
  }
  const trees = [[new KdTree(whole), whole], [new KdTree(trimmed), trimmed]] as const;
  let last = performance.now();
  for (let i = 0; i < search.n; i++) {
    const near = new Set<number>();
    for (const [tree, points] of trees) tree.within(points[i]!, RADIUS, (j) => { if (j < i) near.add(j); });
    if (near.size > 0) verify(i, near, search, groups);
    if (performance.now() - last < 20) continue;
    search.signal?.throwIfAborted();
    search.progress?.(i + 1);
    await new Promise((resume) => setImmediate(resume));
    last = performance.now();
  }
}

function verify(i: number, near: Set<number>, search: NearSearch, groups: Groups): void {
  const own = search.signature(i);
  for (const j of near) if (groups.find(i) !== groups.find(j) && isNearDuplicate(search.signature(j), own)) groups.join(i, j);
}

export interface Candidate { id: number; width: number; height: number; bytes: number; sharpness: number; captions: readonly string[]; file: string }

/** The one to keep: most pixels, then a caption, then sharper, then more bytes, then the first by name. */
export function bestOf<T extends Candidate>(group: readonly T[]): T {
  const better = (a: T, b: T): number => b.width * b.height - a.width * a.height || Math.sign(b.captions.length) - Math.sign(a.captions.length) || b.sharpness - a.sharpness || b.bytes - a.bytes || (a.file < b.file ? -1 : 1);
  return group.toSorted(better)[0]!;
}
