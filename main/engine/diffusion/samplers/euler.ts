/** Euler's method and its ancestral variant in σ-space (Karras et al. 2022, algorithm 2 without churn; k-diffusion). */
import type { PredictionType } from '../prediction.ts';
import { combine, type Sampler, type SamplerConfig } from './sampler.ts';
import { karrasSigmas, sigmaAt, spacedTimesteps, timestepOf, trainingSigmas } from './spacing.ts';

/** x̂_0 from the network's output, for x = x_0 + σ·ε. */
function denoised(type: PredictionType, output: Float32Array, x: Float32Array, sigma: number): Float32Array {
  if (type === 'sample') return output;
  if (type === 'epsilon') return combine([1, x], [-sigma, output]);
  return combine([-sigma / Math.sqrt(sigma ** 2 + 1), output], [1 / (sigma ** 2 + 1), x]);
}

function schedule(config: SamplerConfig, n: number): { timesteps: number[]; sigmas: Float32Array } {
  const table = trainingSigmas(config);
  let timesteps = spacedTimesteps(config.timestep_spacing, config.num_train_timesteps, n, config.steps_offset, { whole: false, extra: false });
  let sigmas = timesteps.map((t) => sigmaAt(table, t));
  if (config.use_karras_sigmas) {
    sigmas = karrasSigmas(sigmas.at(-1)!, sigmas[0]!, n);
    timesteps = sigmas.map((s) => timestepOf(s, table));
  }
  return { timesteps, sigmas: Float32Array.from([...sigmas, 0]) };
}

/** x ← x + (σ′ − σ)·(x − x̂_0)/σ. Ancestral: down to √(σ′² − σ_up²) only, then σ_up of fresh noise, σ_up² = σ′²(σ² − σ′²)/σ². */
export function eulerSampler(config: SamplerConfig, n: number, ancestral: boolean): Sampler {
  const { timesteps, sigmas } = schedule(config, n);
  const largest = Math.max(...sigmas);
  return {
    timesteps: Float32Array.from(timesteps),
    sigmas,
    initNoiseSigma: config.timestep_spacing === 'leading' ? Math.sqrt(largest ** 2 + 1) : largest,
    scaleInput: (x, i) => combine([1 / Math.sqrt(sigmas[i]! ** 2 + 1), x]),
    step(output, i, x, noise) {
      const sigma = sigmas[i]!, next = sigmas[i + 1]!;
      const x0 = denoised(config.prediction_type, output, x, sigma);
      const up = ancestral ? Math.sqrt((next ** 2 * (sigma ** 2 - next ** 2)) / sigma ** 2) : 0;
      const change = (Math.sqrt(next ** 2 - up ** 2) - sigma) / sigma;
      const moved: [number, Float32Array][] = [[1 + change, x], [-change, x0]];
      return up > 0 ? combine(...moved, [up, noise()]) : combine(...moved);
    },
    addNoise: (z0, noise, i) => combine([1, z0], [sigmas[i]!, noise]),
  };
}
