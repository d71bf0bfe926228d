/** Sampling of latent consistency models (Luo et al. 2023), for models or LoRAs distilled for it. */
import { AppError } from '../../../contract/errors.ts';
import { alphasCumprod } from '../noiseSchedule.ts';
import { denoise } from './ddim.ts';
import { combine, type Sampler, type SamplerConfig } from './sampler.ts';

/** The distillation's own number of steps; sampled timesteps are among these. */
const ORIGINAL_STEPS = 50;
const SIGMA_DATA = 0.5, TIMESTEP_SCALING = 10;

function lcmTimesteps(total: number, n: number): number[] {
  if (n > ORIGINAL_STEPS) throw new AppError('config.lcm_steps', `The LCM sampler takes at most ${ORIGINAL_STEPS} steps, not ${n}.`, 'Use 2 to 8 steps, or another sampler.');
  const stride = Math.floor(total / ORIGINAL_STEPS);
  return Array.from({ length: n }, (_, i) => (ORIGINAL_STEPS - Math.floor((i * ORIGINAL_STEPS) / n)) * stride - 1);
}

/** x ← c_out·x̂_0 + c_skip·x, then noised again to the next timestep. */
export function lcmSampler(config: SamplerConfig, n: number): Sampler {
  const bar = alphasCumprod(config), timesteps = lcmTimesteps(config.num_train_timesteps, n);
  const level = (i: number): [number, number] => { const a = bar[timesteps[i]!]!; return [Math.sqrt(a), Math.sqrt(1 - a)]; };
  return {
    timesteps: Float32Array.from(timesteps),
    initNoiseSigma: 1,
    scaleInput: (x) => x,
    step(output, i, x, noise) {
      const scaled = timesteps[i]! * TIMESTEP_SCALING, square = scaled ** 2 + SIGMA_DATA ** 2;
      const { x0 } = denoise(config.prediction_type, output, x, ...level(i));
      const clean = combine([scaled / Math.sqrt(square), x0], [SIGMA_DATA ** 2 / square, x]);
      if (i === n - 1) return clean;
      const [alpha, sigma] = level(i + 1);
      return combine([alpha, clean], [sigma, noise()]);
    },
    addNoise: (z0, noise, i) => combine([level(i)[0], z0], [level(i)[1], noise]),
  };
}
