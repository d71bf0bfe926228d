/** DDIM (Song et al. 2021, "Denoising diffusion implicit models"), η = 0. */
import { alphasCumprod } from '../noiseSchedule.ts';
import type { PredictionType } from '../prediction.ts';
import { combine, type Sampler, type SamplerConfig } from './sampler.ts';
import { spacedTimesteps } from './spacing.ts';

/** x̂_0 and ε̂ from the network's output, for x = α·x_0 + σ·ε. */
export function denoise(type: PredictionType, output: Float32Array, x: Float32Array, alpha: number, sigma: number): { x0: Float32Array; epsilon: Float32Array } {
  if (type === 'epsilon') return { x0: combine([1 / alpha, x], [-sigma / alpha, output]), epsilon: output };
  if (type === 'sample') return { x0: output, epsilon: combine([1 / sigma, x], [-alpha / sigma, output]) };
  return { x0: combine([alpha, x], [-sigma, output]), epsilon: combine([alpha, output], [sigma, x]) };
}

/** x ← √ᾱ′·x̂_0 + √(1−ᾱ′)·ε̂, ᾱ′ a stride of T/n timesteps earlier. */
export function ddimSampler(config: SamplerConfig, n: number): Sampler {
  const total = config.num_train_timesteps, bar = alphasCumprod(config);
  const timesteps = spacedTimesteps(config.timestep_spacing, total, n, config.steps_offset, { whole: true, extra: false }).map((t) => Math.min(t, total - 1));
  const before = (t: number): number => {
    const previous = t - Math.floor(total / n);
    return previous >= 0 ? bar[previous]! : config.set_alpha_to_one ? 1 : bar[0]!;
  };
  return {
    timesteps: Float32Array.from(timesteps),
    initNoiseSigma: 1,
    scaleInput: (x) => x,
    step(output, i, x) {
      const t = timesteps[i]!, next = before(t);
      const { x0, epsilon } = denoise(config.prediction_type, output, x, Math.sqrt(bar[t]!), Math.sqrt(1 - bar[t]!));
      return combine([Math.sqrt(next), x0], [Math.sqrt(1 - next), epsilon]);
    },
    addNoise(z0, noise, i) {
      const a = bar[timesteps[i]!]!;
      return combine([Math.sqrt(a), z0], [Math.sqrt(1 - a), noise]);
    },
  };
}
