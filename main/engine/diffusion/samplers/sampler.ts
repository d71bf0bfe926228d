/** What a sampler is: from noise to a latent in a number of network evaluations. Arithmetic on the host; arrays are flat, in any layout. */
import type { NoiseScheduleConfig } from '../noiseSchedule.ts';
import type { PredictionType } from '../prediction.ts';

export type SamplerName = 'euler' | 'euler_a' | 'ddim' | 'dpmpp_2m' | 'unipc' | 'lcm';
export type TimestepSpacing = 'leading' | 'trailing' | 'linspace';

/** Names as in diffusers' scheduler_config.json. */
export interface SamplerConfig extends NoiseScheduleConfig {
  prediction_type: PredictionType;
  timestep_spacing: TimestepSpacing;
  steps_offset: number;
  use_karras_sigmas?: boolean;
  /** DDIM: the step after the last ends at ᾱ = 1 rather than at ᾱ_0 */
  set_alpha_to_one?: boolean;
}

/** One run of a sampler. Steps go in order: multistep samplers remember earlier outputs. */
export interface Sampler {
  /** fed to the network, one a step; Euler's need not be whole numbers */
  readonly timesteps: Float32Array;
  /** noise level √(1−ᾱ)/√ᾱ before each step and after the last, where the sampler works by it */
  readonly sigmas?: Float32Array;
  /** the standard normal noise that sampling starts from is multiplied by this */
  readonly initNoiseSigma: number;
  /** the network's input at step `i` */
  scaleInput(x: Float32Array, i: number): Float32Array;
  /** the latent after step `i`, from the network's output there; `noise` draws standard normal numbers where the sampler adds some */
  step(output: Float32Array, i: number, x: Float32Array, noise: () => Float32Array): Float32Array;
  /** a clean latent noised to where step `i` begins */
  addNoise(z0: Float32Array, noise: Float32Array, i: number): Float32Array;
}

/** Σ wₖ·xₖ, element by element, in double precision. */
export function combine(...terms: [weight: number, x: Float32Array][]): Float32Array {
  const out = new Float32Array(terms[0]![1].length);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (const [weight, x] of terms) sum += weight * x[i]!;
    out[i] = sum;
  }
  return out;
}
