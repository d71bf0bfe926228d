/** The sampling loop: noise (or a noised latent) → latents. */
import { guide, rescaleGuidance } from './guidance.ts';
import type { Sampler } from './samplers/index.ts';

/** The network's output for latents x at timestep t: conditional, and unconditional where guidance is on. Flat arrays of `samples` latents. */
export type Predict = (x: Float32Array, t: number) => Promise<{ conditional: Float32Array; unconditional?: Float32Array }>;

export interface SamplingOptions {
  sampler: Sampler;
  samples: number;
  /** standard normal start noise, one latent after the other */
  noise: Float32Array;
  guidanceScale: number;
  guidanceRescale?: number;
  /** standard normal noise that step `i` adds, for samplers that add some */
  stepNoise: (i: number) => Float32Array;
  /** img2img: the clean latents to start from, and how much of the way (0 … 1] is gone from noise */
  from?: { latents: Float32Array; strength: number };
  onStep?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

/** Scaled latents after all steps. Throws the signal's reason when aborted. */
export async function sampleLatents(predict: Predict, o: SamplingOptions): Promise<Float32Array> {
  const { sampler } = o, total = sampler.timesteps.length;
  const first = o.from ? total - Math.min(Math.floor(total * o.from.strength), total) : 0;
  if (o.from && first === total) return o.from.latents.slice();
  let x = o.from ? sampler.addNoise(o.from.latents, o.noise, first) : o.noise.map((v) => v * sampler.initNoiseSigma);
  for (let i = first; i < total; i++) {
    o.signal?.throwIfAborted();
    const { conditional, unconditional } = await predict(sampler.scaleInput(x, i), sampler.timesteps[i]!);
    let output = unconditional ? guide(unconditional, conditional, o.guidanceScale) : conditional;
    if (unconditional && o.guidanceRescale) output = rescaleGuidance(output, conditional, o.samples, o.guidanceRescale);
    x = sampler.step(output, i, x, () => o.stepNoise(i));
    o.onStep?.(i + 1 - first, total - first);
  }
  return x;
}
