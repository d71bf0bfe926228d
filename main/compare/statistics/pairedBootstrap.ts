/**
 * How much two arms differ, with an interval: paired bootstrap over prompt × seed.
 *
 * Pictures of one prompt are alike, so prompts are resampled as wholes (cluster bootstrap, Davison & Hinkley 1997, 3.8),
 * and the interval is studentised (bootstrap-t), which keeps its coverage when there are few prompts.
 */
import { drawWithReplacement, type Random } from './resampling.ts';

/** One measurement of both arms under the same prompt and seed. */
export interface Pair { /** what is resampled as a whole: the prompt, or the picture */ cluster: string; first: number; second: number }
export interface Interval { /** mean of second − first */ effect: number; low: number; high: number; level: number; pairs: number; clusters: number; resamples: number }

type Cluster = { sum: number; count: number };

/** Ratio estimate Σsum / Σcount of the clusters and its standard error (linearised). */
function estimate(clusters: Cluster[]): { mean: number; error: number } {
  const n = clusters.length;
  const count = clusters.reduce((s, c) => s + c.count, 0);
  const mean = clusters.reduce((s, c) => s + c.sum, 0) / count;
  const squares = clusters.reduce((s, c) => s + (c.sum - mean * c.count) ** 2, 0);
  return { mean, error: Math.sqrt((squares * n) / (n - 1)) / count };
}

function clustersOf(pairs: readonly Pair[]): Cluster[] {
  const groups = new Map<string, Cluster>();
  for (const { cluster, first, second } of pairs) {
    const c = groups.get(cluster) ?? { sum: 0, count: 0 };
    groups.set(cluster, { sum: c.sum + second - first, count: c.count + 1 });
  }
  return [...groups.values()];
}

const quantile = (sorted: Float64Array, p: number): number => {
  const at = p * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
};

/** Fewer clusters than this give no interval worth showing. */
export const leastClusters = 8;

/** The mean difference second − first with its bootstrap-t interval. Throws RangeError with fewer than `leastClusters` clusters. */
export function pairedBootstrap(pairs: readonly Pair[], random: Random, { level = 0.95, resamples = 4000 } = {}): Interval {
  const clusters = clustersOf(pairs);
  if (clusters.length < leastClusters) throw new RangeError(`an interval needs at least ${leastClusters} prompts, not ${clusters.length}`);
  const { mean, error } = estimate(clusters);
  const base = { effect: mean, level, pairs: pairs.length, clusters: clusters.length, resamples };
  if (error === 0) return { ...base, low: mean, high: mean };
  const t = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    const drawn = estimate([...drawWithReplacement(random, clusters.length)].map((i) => clusters[i]!));
    t[r] = drawn.error > 0 ? (drawn.mean - mean) / drawn.error : 0;
  }
  t.sort();
  const tail = (1 - level) / 2;
  return { ...base, low: mean - quantile(t, 1 - tail) * error, high: mean - quantile(t, tail) * error };
}
