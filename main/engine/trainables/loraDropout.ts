/**
 * Dropout on a LoRA layer's inputs (Srivastava et al. 2014), computed within the step from a number that is fed: so a resumed run drops
 * the same values. The mask of layer l is u(row, column, l) ≥ p with u = frac(43758.5453·sin(12.9898·row + 78.233·column + phase)).
 */
import type { Adapter } from '../models/context.ts';
import { tf, type Tensor } from '../tf.ts';

/** FNV-1a of the layer's name, in [0, 1): layers drop independently. */
function layerPhase(layer: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < layer.length; i++) h = Math.imul(h ^ layer.charCodeAt(i), 0x01000193);
  return (h >>> 0) / 2 ** 32;
}

/** Inputs of a layer with a share `p` of them zero and the others divided by 1 − p. `draw` [1] is uniform in [0,1), new in every batch. */
export const loraDropout = (p: number, draw: Tensor) => (layer: string): NonNullable<Adapter['dropout']> => (x) => {
  const columns = x.shape.at(-1)!, rows = x.size / columns;
  const phase = tf.mul(tf.add(draw, layerPhase(layer)), 1000);
  const row = tf.reshape(tf.range(0, rows), [rows, 1]), column = tf.reshape(tf.range(0, columns), [1, columns]);
  const wave = tf.mul(tf.sin(tf.add(tf.add(tf.mul(row, 12.9898), tf.mul(column, 78.233)), phase)), 43758.5453);
  const keep = tf.cast(tf.greaterEqual(tf.sub(wave, tf.floor(wave)), p), 'float32');
  return tf.mul(x, tf.reshape(tf.div(keep, 1 - p), x.shape));
};
