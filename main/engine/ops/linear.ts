/** Linear maps, and the bias that linear maps and convolutions share. */
import { tf, type Tensor } from '../tf.ts';
import { customOp } from './customOp.ts';
import { recording } from './fuse.ts';
import { columnSum } from './reduce.ts';

/** x + b on the last axis; compiled, TensorFlow makes it part of the product or convolution before. x [...,C], b [C]. */
export function addBias(x: Tensor, b: Tensor): Tensor {
  const compute = (): { value: Tensor; saved: Tensor[] } => ({ value: recording()?.addBias(x, b) ?? tf.add(x, b), saved: [] });
  return customOp([x, b], compute, (dy) => [() => tf.clone(dy), () => columnSum(dy)]);
}

/** y = x·w (+ b). x [..., in], w [in, out], b [out] -> [..., out]. */
export function linear(x: Tensor, w: Tensor, b?: Tensor): Tensor {
  const inner = x.shape[x.shape.length - 1]!;
  const flat = tf.matMul(tf.reshape(x, [-1, inner]) as tf.Tensor2D, w as tf.Tensor2D);
  return tf.reshape(b ? addBias(flat, b) : flat, [...x.shape.slice(0, -1), w.shape[1]!]);
}
