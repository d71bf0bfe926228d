/**
 * Noise schedules: z_t = √ᾱ_t · z_0 + √(1−ᾱ_t) · ε with ᾱ_t = Π (1 − β_s) (Ho et al. 2020), config names as diffusers'.
 * Computed in the precision in which diffusers does (float32 betas), so that the numbers agree to the last digits.
 */
import { AppError } from '../../contract/errors.ts';

export type BetaSchedule = 'linear' | 'scaled_linear' | 'squaredcos_cap_v2';

/** The part of a diffusers scheduler_config.json that fixes ᾱ. */
export interface NoiseScheduleConfig {
  beta_start: number;
  beta_end: number;
  beta_schedule: BetaSchedule;
  num_train_timesteps: number;
  rescale_betas_zero_snr?: boolean;
  trained_betas?: number[] | null;
}

/** SDXL's and Stable Diffusion's own. */
export const SDXL_NOISE_SCHEDULE: NoiseScheduleConfig = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000 };

/** The schedule of a scheduler_config.json; what it does not say is as in SDXL. `zeroSnr`: rescaled to zero terminal SNR whatever it says. */
export function noiseScheduleOf(s: Record<string, unknown>, zeroSnr = false): NoiseScheduleConfig {
  return {
    beta_start: Number(s['beta_start'] ?? SDXL_NOISE_SCHEDULE.beta_start), beta_end: Number(s['beta_end'] ?? SDXL_NOISE_SCHEDULE.beta_end),
    beta_schedule: (s['beta_schedule'] ?? SDXL_NOISE_SCHEDULE.beta_schedule) as BetaSchedule,
    num_train_timesteps: Number(s['num_train_timesteps'] ?? SDXL_NOISE_SCHEDULE.num_train_timesteps), rescale_betas_zero_snr: zeroSnr || s['rescale_betas_zero_snr'] === true,
    trained_betas: (s['trained_betas'] ?? null) as number[] | null,
  };
}

const f32 = Math.fround;

function linspace(start: number, end: number, n: number): number[] {
  return Array.from({ length: n }, (_, i) => f32(start + ((end - start) * i) / (n - 1)));
}

/** β from ᾱ(t) = cos²((t + 0.008)/1.008 · π/2), at most 0.999 (Nichol & Dhariwal 2021). */
function cosineBetas(n: number): number[] {
  const bar = (t: number): number => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Array.from({ length: n }, (_, i) => f32(Math.min(1 - bar((i + 1) / n) / bar(i / n), 0.999)));
}

function baseBetas(c: NoiseScheduleConfig): number[] {
  if (c.trained_betas) return c.trained_betas.map(f32);
  switch (c.beta_schedule) {
    case 'linear': return linspace(c.beta_start, c.beta_end, c.num_train_timesteps);
    case 'scaled_linear': return linspace(c.beta_start ** 0.5, c.beta_end ** 0.5, c.num_train_timesteps).map((b) => f32(b * b));
    case 'squaredcos_cap_v2': return cosineBetas(c.num_train_timesteps);
    default: throw new AppError('model.noise_schedule', `The model's noise schedule "${String(c.beta_schedule)}" is not known.`, 'Use a model whose scheduler_config.json says scaled_linear, linear or squaredcos_cap_v2.');
  }
}

function cumulativeProduct(alphas: number[]): Float32Array {
  let product = 1;
  return Float32Array.from(alphas, (a) => (product *= a));
}

/** Shifts and scales √ᾱ so that the last timestep is pure noise (Lin et al. 2023, algorithm 1). */
function rescaleZeroTerminalSnr(betas: number[]): number[] {
  const root = Array.from(cumulativeProduct(betas.map((b) => f32(1 - b))), (a) => f32(Math.sqrt(a)));
  const first = root[0]!, last = root.at(-1)!;
  const bar = root.map((r) => f32(f32(f32(r - last) * f32(first / f32(first - last))) ** 2));
  return bar.map((a, i) => f32(1 - (i === 0 ? a : f32(a / bar[i - 1]!))));
}

/** ᾱ_t for t = 0 … num_train_timesteps − 1. Throws AppError `model.noise_schedule` on an unknown schedule. */
export function alphasCumprod(config: NoiseScheduleConfig): Float32Array {
  const base = baseBetas(config);
  const betas = config.rescale_betas_zero_snr ? rescaleZeroTerminalSnr(base) : base;
  return cumulativeProduct(betas.map((b) => f32(1 - b)));
}

/** α_t = √ᾱ_t and σ_t = √(1−ᾱ_t) of each timestep. Throws RangeError on a timestep outside the schedule. */
export function alphaSigma(alphas: Float32Array, timesteps: ArrayLike<number>): { alpha: Float32Array; sigma: Float32Array } {
  const bar = Array.from(timesteps, (t) => {
    const a = alphas[t];
    if (a === undefined) throw new RangeError(`timestep ${t} is outside 0 … ${alphas.length - 1}`);
    return a;
  });
  return { alpha: Float32Array.from(bar, Math.sqrt), sigma: Float32Array.from(bar, (a) => Math.sqrt(f32(1 - a))) };
}
