/**
 * The loss on held-out pictures, the same measure for every run of a base model and data set, whatever the run's own settings: mean latents,
 * one timestep in each bin and its noise drawn by the picture's content, unweighted mean squared error of the noise (and the recommended
 * LPL for bins below its threshold). So numbers of different runs, seeds and losses can be compared.
 */
import type { ManifestItem } from '../contract/datasetManifest.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import { contentSeed, openProbes, type Probe, type ProbeParts } from './program/probes.ts';
import { integers } from './random.ts';

/** LPL is reported for timesteps below this, by the authors' recommended options. */
const LPL_BELOW = 200;

export interface ValidationParts extends ProbeParts { items: readonly ManifestItem[]; options: RunConfig['validation']; ema: boolean }
export interface Validation { run(onProgress?: (done: number, total: number) => void): Promise<Record<string, number>> }

/** Defines the step functions of every size at once, so that they are compiled with the rest. */
export function openValidation(parts: ValidationParts): Validation {
  const { base, items, options: { validation_bins: bins } } = parts, probes = openProbes(parts), weights = parts.ema ? [false, true] : [false];
  const planned = items.flatMap((item) => Array.from({ length: bins }, (_, bin) => ({ bin, probe: probeOf(item, bin, bins, base.schedule.num_train_timesteps) })));
  for (const ema of weights) probes.define(items, ema);
  return {
    async run(onProgress) {
      const metrics = new Means(), total = weights.length * planned.length;
      for (const [w, ema] of weights.entries()) {
        const measured = await probes.run(planned.map((p) => p.probe), { ema, onProgress: (done) => onProgress?.(w * planned.length + done, total) });
        for (const [i, { mse, lpl }] of measured.entries()) {
          const { bin } = planned[i]!, prefix = ema ? 'val/ema_' : 'val/';
          metrics.add(`${prefix}loss`, mse);
          metrics.add(`${prefix}loss_bin_${bin}`, mse);
          if (lpl !== null) { metrics.add(`${prefix}lpl`, lpl); metrics.add(`${prefix}lpl_bin_${bin}`, lpl); }
        }
      }
      return metrics.all();
    },
  };
}

/** A timestep within the bin, and noise, by the picture's content. */
function probeOf(item: ManifestItem, bin: number, bins: number, total: number): Probe {
  const low = Math.floor((bin * total) / bins), high = Math.floor(((bin + 1) * total) / bins);
  const timestep = integers({ seed: contentSeed(item), stream: 'validation_timesteps', step: bins, sample: bin }, 1, low, Math.max(low + 1, high))[0]!;
  return { item, timestep, noise: { step: bin }, lpl: timestep < LPL_BELOW };
}

/** Means by name. */
class Means {
  readonly #sums = new Map<string, [sum: number, n: number]>();
  add(name: string, value: number): void {
    const [sum, n] = this.#sums.get(name) ?? [0, 0];
    this.#sums.set(name, [sum + value, n + 1]);
  }
  all(): Record<string, number> { return Object.fromEntries([...this.#sums].map(([name, [sum, n]]) => [name, sum / n])); }
}
