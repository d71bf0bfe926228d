/** A batch's numbers on the host, as the training step is fed them. */
import type { HostTensor } from '../backend/executor.ts';
import { alphaSigma } from '../diffusion/noiseSchedule.ts';
import type { PredictionType } from '../diffusion/prediction.ts';
import { minSnrWeight, snr } from '../losses/snrWeighting.ts';

export interface LossWeighting {
  /** ᾱ of the noise schedule */
  alphas: Float32Array;
  predictionType: PredictionType;
  /** min-SNR γ; null: all timesteps alike */
  snrGamma: number | null;
  /** multiply each chosen sample's LPL by its min-SNR weight */
  lplScale: boolean;
}

/** Which samples of a batch take part in LPL: those with t below the threshold. */
export const chosenSamples = (timesteps: ArrayLike<number>, threshold: number): number[] =>
  Array.from(timesteps, (t, i) => (t < threshold ? i : -1)).filter((i) => i >= 0);

const vector = (values: ArrayLike<number>, ...shape: number[]): HostTensor => ({ shape, data: Float32Array.from(values) });

/** timestep, alpha, sigma, loss_weight (min-SNR weight times the sample's of `weights`), and with chosen samples lpl_select and lpl_loss_weight. */
export function weightInputs(o: LossWeighting, timesteps: Int32Array, weights: ArrayLike<number> | null, chosen: number[]): Record<string, HostTensor> {
  const n = timesteps.length;
  const { alpha, sigma } = alphaSigma(o.alphas, timesteps);
  const ratios = snr(o.alphas, timesteps);
  const minSnr = Array.from(ratios, (r) => (o.snrGamma === null ? 1 : minSnrWeight(r, o.snrGamma, o.predictionType)));
  return {
    timestep: { shape: [n], data: timesteps }, alpha: vector(alpha, n, 1, 1, 1), sigma: vector(sigma, n, 1, 1, 1),
    loss_weight: vector(minSnr.map((m, i) => m * (weights?.[i] ?? 1)), n),
    ...(chosen.length ? {
      lpl_select: vector(chosen.flatMap((row) => Array.from({ length: n }, (_, i) => (i === row ? 1 : 0))), chosen.length, n),
      lpl_loss_weight: vector(chosen.map((i) => (o.lplScale ? minSnr[i]! : 1) * (weights?.[i] ?? 1)), chosen.length),
    } : {}),
  };
}

/** Mean, standard deviation (unbiased; 0 for one sample), least and greatest SNR of the chosen samples, as logged with LPL. */
export function snrStatistics(alphas: Float32Array, timesteps: ArrayLike<number>, chosen: number[]): Record<string, number> {
  const values = Array.from(snr(alphas, chosen.map((i) => timesteps[i]!)));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const std = values.length > 1 ? Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)) : 0;
  return { 'lpl/snr_mean': mean, 'lpl/snr_std': std, 'lpl/snr_min': Math.min(...values), 'lpl/snr_max': Math.max(...values) };
}
