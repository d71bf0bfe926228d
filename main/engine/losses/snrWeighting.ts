/** Min-SNR weighting (Hang et al. 2023, "Efficient diffusion training via min-SNR weighting strategy"). */
import type { PredictionType } from '../diffusion/prediction.ts';

/** Signal-to-noise ratio ᾱ/(1−ᾱ) of each timestep. */
export function snr(alphas: Float32Array, timesteps: ArrayLike<number>): Float32Array {
  return Float32Array.from(timesteps, (t) => alphas[t]! / Math.fround(1 - alphas[t]!));
}

/**
 * The weight of one sample's loss: min(snr,γ)/snr for ε, min(snr,γ)/(snr+1) for v, min(snr,γ) for z_0.
 * At snr 0 (a zero-terminal schedule) the ε weight is its limit, 1, not 0/0.
 */
export function minSnrWeight(snrValue: number, gamma: number, type: PredictionType): number {
  const capped = Math.min(snrValue, gamma);
  if (type === 'epsilon') return snrValue > gamma ? gamma / snrValue : 1;
  return type === 'v_prediction' ? capped / (snrValue + 1) : capped;
}
