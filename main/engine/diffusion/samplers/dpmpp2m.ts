/** DPM-Solver++(2M) (Lu et al. 2022, "DPM-Solver++", algorithm 2, midpoint). */
import { denoise } from './ddim.ts';
import { levelOf, multistepSchedule } from './multistep.ts';
import { combine, type Sampler, type SamplerConfig } from './sampler.ts';

/** x ← (σ′/σ)·x − α′(e^−h − 1)·(D₀ + ½D₁), D₀ the newest x̂_0, D₁ its divided difference; the first and the last step are of first order. */
export function dpmpp2mSampler(config: SamplerConfig, n: number): Sampler {
  const { timesteps, sigmas } = multistepSchedule(config, n);
  let previous: Float32Array | undefined;
  return {
    timesteps: Float32Array.from(timesteps),
    sigmas,
    initNoiseSigma: 1,
    scaleInput: (x) => x,
    step(output, i, x) {
      const now = levelOf(sigmas[i]!), next = levelOf(sigmas[i + 1]!), h = next.lambda - now.lambda;
      const { x0 } = denoise(config.prediction_type, output, x, now.alpha, now.sigma);
      const gain = -next.alpha * Math.expm1(-h);
      const last = previous;
      previous = x0;
      if (!last || i === timesteps.length - 1) return combine([next.sigma / now.sigma, x], [gain, x0]);
      const r = (now.lambda - levelOf(sigmas[i - 1]!).lambda) / h;
      return combine([next.sigma / now.sigma, x], [gain * (1 + 0.5 / r), x0], [(-gain * 0.5) / r, last]);
    },
    addNoise: (z0, noise, i) => combine([levelOf(sigmas[i]!).alpha, z0], [levelOf(sigmas[i]!).sigma, noise]),
  };
}
