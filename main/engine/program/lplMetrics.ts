/** What is logged of the Latent Perceptual Loss of one optimizer step. */
import type { HostTensor } from '../backend/executor.ts';
import { combineStatistics } from '../losses/lplStatistics.ts';

/** Per chosen sample, over all micro-batches of a step. */
export interface LplRecord { perSample: number[]; /** [samples][layers] */ layers: number[][]; /** [samples·layers·3] */ stats: number[] }
export const emptyRecord = (): LplRecord => ({ perSample: [], layers: [], stats: [] });

/** Adds one micro-batch's outputs; only the first `k` samples are real, the rest fill up. */
export function addRecord(record: LplRecord, out: Record<string, HostTensor>, k: number): void {
  const layers = out['lpl_layers']!.shape[1]!, values = Array.from(out['lpl_layers']!.data);
  record.perSample.push(...Array.from(out['lpl_samples']!.data).slice(0, k));
  for (let i = 0; i < k; i++) record.layers.push(values.slice(i * layers, (i + 1) * layers));
  record.stats.push(...Array.from(out['lpl_stats']!.data).slice(0, k * layers * 3));
}

/** lpl/… metrics; `sizes`: values in each layer's feature of one sample. */
export function lplMetrics(record: LplRecord, sizes: number[]): Record<string, number> {
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const stats = combineStatistics(record.stats, sizes);
  return Object.fromEntries(sizes.flatMap((_, i) => [
    [`lpl/layer_${i}`, mean(record.layers.map((l) => l[i]!))], [`lpl/feature_mean_${i}`, stats[i]!.mean],
    [`lpl/feature_std_${i}`, stats[i]!.std], [`lpl/outlier_ratio_${i}`, stats[i]!.outlier_ratio],
  ]));
}
