/** The VAE's encoder on an executor: one step function per picture size, made when first needed. */
import type { Executor } from '../backend/executor.ts';
import { encode, type VaeConfig } from '../models/vae.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Encode } from './latentCache.ts';

/** Weights the encoder needs; the decoder's may stay out of memory. */
export const isEncoderWeight = (name: string): boolean => name.startsWith('encoder.') || name.startsWith('quant_conv.');

/** The executor must hold the VAE's encoder as `vae.*`. */
export const latentEncoder = (executor: Executor, config: VaeConfig): Encode => async (pixels, height, width) => {
  const name = `encode_${width}x${height}`, shape = [1, height, width, 3];
  executor.define(name, { pixels: { shape, dtype: 'float32' } }, ({ pixels }, state) => {
    const { mean, logvar } = encode(stateContext(state, 'vae'), config, pixels!);
    return { outputs: { mean, logvar } };
  });
  const out = await executor.run(name, { pixels: { shape, data: pixels } });
  return { mean: floats(out['mean']!), logvar: floats(out['logvar']!) };
};

const floats = ({ shape, data }: { shape: number[]; data: Float32Array | Int32Array }): { shape: number[]; data: Float32Array } => ({ shape, data: data as Float32Array });
