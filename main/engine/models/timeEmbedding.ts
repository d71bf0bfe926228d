/** Sinusoidal embeddings of numbers (Vaswani et al. 2017; Ho et al. 2020) and the MLP that follows them. */
import { silu } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { linearLayer, type ModelContext } from './context.ts';
import { linearShapes, mergeShapes, type WeightShapes } from './weightShapes.ts';

export interface SinusoidOptions { flipSinToCos: boolean; freqShift: number }

/** values [N] -> [N, dim]: sin(v·f_i) ‖ cos(v·f_i), f_i = 10000^(−i/(dim/2 − freqShift)); cosines first when flipped; an odd dim ends in 0. */
export function sinusoidalEmbedding(values: Tensor, dim: number, { flipSinToCos, freqShift }: SinusoidOptions): Tensor {
  const half = Math.floor(dim / 2);
  const frequencies = Float32Array.from({ length: half }, (_, i) => Math.exp(Math.fround((-Math.log(10000) * i) / (half - freqShift))));
  const angles = tf.mul(tf.reshape(tf.cast(values, 'float32'), [-1, 1]), tf.tensor(frequencies, [1, half]));
  const parts = flipSinToCos ? [tf.cos(angles), tf.sin(angles)] : [tf.sin(angles), tf.cos(angles)];
  const embedding = tf.concat(parts, 1);
  return dim % 2 ? tf.pad(embedding, [[0, 0], [0, 1]]) : embedding;
}

/** linear_2(silu(linear_1(x))). */
export function embeddingMlp(ctx: ModelContext, name: string, x: Tensor): Tensor {
  return linearLayer(ctx, `${name}.linear_2`, silu(linearLayer(ctx, `${name}.linear_1`, x)));
}

export const embeddingMlpShapes = (name: string, cin: number, cout: number): WeightShapes =>
  mergeShapes(linearShapes(`${name}.linear_1`, cin, cout), linearShapes(`${name}.linear_2`, cout, cout));
