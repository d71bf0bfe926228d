/** Which of the training timesteps are sampled, and their noise levels. */
import { alphasCumprod } from '../noiseSchedule.ts';
import type { SamplerConfig, TimestepSpacing } from './sampler.ts';

/** numpy's round: halves go to the even neighbour. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  return x - floor === 0.5 ? floor + (floor % 2) : Math.round(x);
}

const linspace = (end: number, n: number): number[] => Array.from({ length: n }, (_, i) => (n === 1 ? 0 : (end * i) / (n - 1)));

/** T, T − T/n, … above 0, rounded, each minus one: the last timestep is the first sampled. */
function trailing(total: number, n: number): number[] {
  const stride = total / n;
  return Array.from({ length: Math.ceil(total / stride) }, (_, i) => roundHalfEven(total - i * stride) - 1);
}

export interface SpacingOptions { /** linspace: round to whole timesteps */ whole: boolean; /** space n + 1 points and leave out the last (multistep solvers) */ extra: boolean }

/** Timesteps of `n` steps, falling. Spacings as in Lin et al. 2023, table 2. */
export function spacedTimesteps(spacing: TimestepSpacing, total: number, n: number, offset: number, { whole, extra }: SpacingOptions): number[] {
  const points = extra ? n + 1 : n;
  const falling = (rising: number[]): number[] => rising.reverse().slice(0, n);
  if (spacing === 'trailing') return trailing(total, n);
  if (spacing === 'linspace') return falling(linspace(total - 1, points).map((t) => (whole ? roundHalfEven(t) : Math.fround(t))));
  const ratio = Math.floor(total / points);
  return falling(Array.from({ length: points }, (_, i) => i * ratio)).map((t) => t + offset);
}

/** σ_t = √((1−ᾱ_t)/ᾱ_t) of every training timestep. A zero-terminal schedule's last ᾱ counts as 2⁻²⁴, or σ would be infinite. */
export function trainingSigmas(config: SamplerConfig): Float32Array {
  const alphas = alphasCumprod(config);
  if (config.rescale_betas_zero_snr) alphas[alphas.length - 1] = 2 ** -24;
  return alphas.map((a) => Math.sqrt(Math.fround(1 - a) / a));
}

/** σ between training timesteps, linearly. */
export function sigmaAt(sigmas: Float32Array, t: number): number {
  const i = Math.min(Math.floor(t), sigmas.length - 2);
  return sigmas[i]! + (sigmas[i + 1]! - sigmas[i]!) * (Math.min(t, sigmas.length - 1) - i);
}

/** σᵢ = (σ_max^⅐ + i/(n−1)·(σ_min^⅐ − σ_max^⅐))⁷ (Karras et al. 2022, eq. 5, ρ = 7). */
export function karrasSigmas(sigmaMin: number, sigmaMax: number, n: number): number[] {
  const low = sigmaMin ** (1 / 7), high = sigmaMax ** (1 / 7);
  return Array.from({ length: n }, (_, i) => (high + (n === 1 ? 0 : i / (n - 1)) * (low - high)) ** 7);
}

/** The timestep, not whole, whose σ this is: linear in log σ. */
export function timestepOf(sigma: number, sigmas: Float32Array): number {
  const logs = (i: number): number => Math.log(sigmas[i]!), log = Math.log(Math.max(sigma, 1e-10));
  let low = 0;
  while (low < sigmas.length - 2 && logs(low + 1) <= log) low++;
  const w = Math.min(1, Math.max(0, (logs(low) - log) / (logs(low) - logs(low + 1))));
  return (1 - w) * low + w * (low + 1);
}
