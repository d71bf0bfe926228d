/** What DPM++ and UniPC share: their timesteps and noise levels, and half log-SNR λ = log(α/σ). */
import type { SamplerConfig } from './sampler.ts';
import { karrasSigmas, roundHalfEven, sigmaAt, spacedTimesteps, timestepOf, trainingSigmas } from './spacing.ts';

export interface MultistepSchedule { timesteps: number[]; /** n + 1, the last 0 */ sigmas: Float32Array }

/** With Karras sigmas the whole training range is spanned and timesteps are rounded to whole ones. */
export function multistepSchedule(config: SamplerConfig, n: number): MultistepSchedule {
  const table = trainingSigmas(config);
  if (!config.use_karras_sigmas) {
    const timesteps = spacedTimesteps(config.timestep_spacing, config.num_train_timesteps, n, config.steps_offset, { whole: true, extra: true });
    return { timesteps, sigmas: Float32Array.from([...timesteps.map((t) => sigmaAt(table, t)), 0]) };
  }
  const sigmas = karrasSigmas(table[0]!, table.at(-1)!, n);
  return { timesteps: sigmas.map((s) => roundHalfEven(timestepOf(s, table))), sigmas: Float32Array.from([...sigmas, 0]) };
}

/** α, σ with α² + σ² = 1, and λ, of a noise level σ/α. */
export function levelOf(ratio: number): { alpha: number; sigma: number; lambda: number } {
  const alpha = 1 / Math.sqrt(ratio ** 2 + 1), sigma = ratio * alpha;
  return { alpha, sigma, lambda: Math.log(alpha) - Math.log(sigma) };
}
