/** Kernel Inception Distance (Bińkowski et al. 2018): unbiased squared MMD with the kernel (x·y / d + 1)³. */
import type { Features } from './frechet.ts';
import { permutationFrom, type Random } from './resampling.ts';

/** (x·y / d + 1)³ */
export const polynomialKernel = (x: ArrayLike<number>, y: ArrayLike<number>): number => {
  let dot = 0;
  for (let j = 0; j < x.length; j++) dot += x[j]! * y[j]!;
  return (dot / x.length + 1) ** 3;
};

/** Unbiased estimate of MMD² between two sets; may be slightly negative. Throws RangeError below two vectors a set. */
export function kernelDistance(first: Features, second: Features): number {
  if (first.length < 2 || second.length < 2) throw new RangeError('KID needs at least two vectors in each set');
  let within1 = 0, within2 = 0, between = 0;
  first.forEach((x, i) => first.forEach((y, j) => { if (i < j) within1 += 2 * polynomialKernel(x, y); }));
  second.forEach((x, i) => second.forEach((y, j) => { if (i < j) within2 += 2 * polynomialKernel(x, y); }));
  for (const x of first) for (const y of second) between += polynomialKernel(x, y);
  const [n, m] = [first.length, second.length];
  return within1 / (n * (n - 1)) + within2 / (m * (m - 1)) - (2 * between) / (n * m);
}

export interface SubsetEstimate { value: number; /** standard deviation over subsets */ std: number; subsets: number; subsetSize: number }

/** A distance over random subsets (without replacement) of both sets: their mean and spread, as KID is usually reported. */
export function overSubsets(distance: (first: Features, second: Features) => number, first: Features, second: Features, random: Random, subsets = 100, largest = 1000): SubsetEstimate {
  const subsetSize = Math.min(largest, Math.max(2, Math.floor(Math.min(first.length, second.length) * 0.8)));
  const pick = (set: Features): Features => [...permutationFrom(random, set.length).subarray(0, subsetSize)].map((i) => set[i]!) as Features;
  const values = Array.from({ length: subsets }, () => distance(pick(first), pick(second)));
  const value = values.reduce((s, v) => s + v, 0) / subsets;
  return { value, std: Math.sqrt(values.reduce((s, v) => s + (v - value) ** 2, 0) / (subsets - 1)), subsets, subsetSize };
}
