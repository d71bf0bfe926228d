/** UniPC (Zhao et al. 2023, "UniPC: a unified predictor-corrector framework"), B₂(h), order 2, predicting x_0. */
import { denoise } from './ddim.ts';
import { levelOf, multistepSchedule } from './multistep.ts';
import { combine, type Sampler, type SamplerConfig } from './sampler.ts';

interface Interval { ratio: number; gain: number; /** B(h) times α′ */ scale: number; h: number; lambda: number }

/** From noise level `from` to `to`: x ← ratio·x − gain·m₀ − scale·(…), with gain = scale = α′(e^−h − 1). */
function interval(from: number, to: number): Interval {
  const a = levelOf(from), b = levelOf(to), h = b.lambda - a.lambda;
  const gain = b.alpha * Math.expm1(-h);
  return { ratio: b.sigma / a.sigma, gain, scale: gain, h, lambda: a.lambda };
}

/** Weights of the corrector's two differences: solves [[1,1],[r,1]]·ρ = b for the step's φ-functions. */
function correctorWeights(r: number, h: number): [number, number] {
  const hh = -h, phi1 = Math.expm1(hh);
  const phi2 = phi1 / hh - 1, phi3 = phi2 / hh - 0.5;
  const b1 = phi2 / phi1, b2 = (2 * phi3) / phi1;
  const first = (b1 - b2) / (1 - r);
  return [first, b1 - first];
}

export function unipcSampler(config: SamplerConfig, n: number): Sampler {
  const { timesteps, sigmas } = multistepSchedule(config, n);
  /** x̂_0 of the steps so far (newest last), the latent that the last step started from, and that step's order */
  let outputs: Float32Array[] = [], lastSample: Float32Array | undefined, lastOrder = 1;

  /** ((x̂_0 of step i − 2) − m₀)/r and r, for the interval that begins at step i − 1. */
  const difference = (at: number, m0: Float32Array, older: Float32Array, { h, lambda }: Interval): { r: number; d: Float32Array } => {
    const r = (levelOf(sigmas[at - 1]!).lambda - lambda) / h;
    return { r, d: combine([1 / r, older], [-1 / r, m0]) };
  };

  /** Redoes the last step with the output that the network gave at its end. */
  function correct(x0: Float32Array, i: number): Float32Array {
    const v = interval(sigmas[i - 1]!, sigmas[i]!), m0 = outputs.at(-1)!;
    const base: [number, Float32Array][] = [[v.ratio, lastSample!], [-v.gain, m0]];
    const end = combine([1, x0], [-1, m0]);
    if (lastOrder === 1) return combine(...base, [-v.scale * 0.5, end]);
    const { r, d } = difference(i - 1, m0, outputs.at(-2)!, v), [first, second] = correctorWeights(r, v.h);
    return combine(...base, [-v.scale * first, d], [-v.scale * second, end]);
  }

  function predict(i: number, x: Float32Array, order: number): Float32Array {
    const v = interval(sigmas[i]!, sigmas[i + 1]!), m0 = outputs.at(-1)!;
    const base: [number, Float32Array][] = [[v.ratio, x], [-v.gain, m0]];
    return order === 1 ? combine(...base) : combine(...base, [-v.scale * 0.5, difference(i, m0, outputs.at(-2)!, v).d]);
  }

  return {
    timesteps: Float32Array.from(timesteps),
    sigmas,
    initNoiseSigma: 1,
    scaleInput: (x) => x,
    step(output, i, x) {
      const now = levelOf(sigmas[i]!);
      const { x0 } = denoise(config.prediction_type, output, x, now.alpha, now.sigma);
      const corrected = lastSample ? correct(x0, i) : x;
      outputs = [...outputs.slice(-1), x0];
      const order = Math.min(outputs.length, 2, timesteps.length - i);
      lastSample = corrected;
      lastOrder = order;
      return predict(i, corrected, order);
    },
    addNoise: (z0, noise, i) => combine([levelOf(sigmas[i]!).alpha, z0], [levelOf(sigmas[i]!).sigma, noise]),
  };
}
