/** Statistics of the target features of several samples, from those of each (host side). */

/** Of one layer's masked target features, before normalisation. `std` is unbiased over all values. */
export interface LayerStatistics { mean: number; std: number; outlier_ratio: number }

/**
 * Combines `stats` [samples,layers,3] (mean, variance, outlier share; see latentPerceptualLoss.ts) into one row a layer.
 * `sizes[i]` is the number of values in layer i's feature of one sample.
 */
export function combineStatistics(stats: ArrayLike<number>, sizes: number[]): LayerStatistics[] {
  const layers = sizes.length, samples = stats.length / (3 * layers);
  return sizes.map((size, layer) => {
    const of = (k: number): number[] => Array.from({ length: samples }, (_, s) => stats[(s * layers + layer) * 3 + k]!);
    const average = (values: number[]): number => values.reduce((a, b) => a + b, 0) / samples;
    const means = of(0), variances = of(1);
    const mean = average(means);
    const variance = average(variances.map((v, s) => v + (means[s]! - mean) ** 2));
    const n = size * samples;
    return { mean, std: Math.sqrt((variance * n) / (n - 1)), outlier_ratio: average(of(2)) };
  });
}
