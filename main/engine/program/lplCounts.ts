/**
 * How many samples of a batch take part in LPL decides the shape of its step, and every shape is a graph of its own. Few shapes do:
 * counts are rounded up, and the places left over are filled with a sample of weight zero.
 */
import type { HostTensor } from '../backend/executor.ts';

const counts = [0, 1, 2, 3, 4, 6, 8, 12, 16];

/** The count that `k` of `n` samples are padded to. */
export function paddedCount(k: number, n: number): number {
  const up = counts.find((c) => c >= k) ?? Math.ceil(k / 8) * 8;
  return Math.min(up, n);
}

/** Pads `chosen` with its first sample. */
export const padChosen = (chosen: number[], count: number): number[] => [...chosen, ...new Array<number>(count - chosen.length).fill(chosen[0]!)];

/** The weights of the padded samples: the mean over `count` is the mean over the first `k`. */
export function padWeights(weights: HostTensor, k: number): HostTensor {
  const count = weights.data.length;
  return { shape: [count], data: Float32Array.from(weights.data, (w, i) => (i < k ? (w * count) / k : 0)) };
}
