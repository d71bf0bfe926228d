/** The noise that training adds to latents, a pure function of (seed, step, sample). */
import { normal } from '../random.ts';

/**
 * Standard normal noise [n,h,w,channels] of one batch. With `noiseOffset` a constant per sample and channel is added,
 * noiseOffset · N(0,1), so that a picture's mean brightness can be learnt (Guttenberg 2023, as in diffusers).
 * `firstSample` numbers the batch's first sample, where a step consists of several batches.
 */
export function trainingNoise(seed: number, step: number, [n, h, w, channels]: readonly [number, number, number, number], noiseOffset = 0, firstSample = 0): Float32Array {
  const size = h * w * channels;
  const out = new Float32Array(n * size);
  for (let i = 0; i < n; i++) {
    const key = { seed, step, sample: firstSample + i };
    const noise = normal({ ...key, stream: 'noise' }, size);
    if (noiseOffset !== 0) {
      const shift = normal({ ...key, stream: 'noise_offset' }, channels);
      for (let j = 0; j < size; j++) noise[j]! += noiseOffset * shift[j % channels]!;
    }
    out.set(noise, i * size);
  }
  return out;
}
