/** Sums over all but the last axis. On TensorFlow's CPU a product with a row of ones is twice as fast as its reduction, unless small. */
import { tf, type Tensor } from '../tf.ts';
import { recording } from './fuse.ts';

/** a·b or a·bᵀ of matrices, always in float32. */
export function floatProduct(a: Tensor, b: Tensor, transposeB = false): Tensor {
  const recorder = recording();
  if (!recorder) return tf.matMul(a, b, false, transposeB);
  const attrs = { T: { type: 1 }, transpose_a: { bool: false }, transpose_b: { bool: transposeB } };
  return tf.engine().makeTensorFromTensorInfo(recorder.op('MatMul', [a, b], attrs, [a.shape[0]!, b.shape[transposeB ? 0 : 1]!]), recorder);
}

/** Σ over rows. x [..., C] -> [C]. */
export function columnSum(x: Tensor): Tensor {
  const rows = tf.reshape(x, [-1, x.shape.at(-1)!]);
  return recording() ? tf.reshape(floatProduct(tf.ones([1, rows.shape[0]!]), rows), [-1]) : tf.sum(rows, 0);
}

/** Σx² of each, in one pass over each where TensorFlow has one. -> [tensors]. */
export function squares(xs: Tensor[]): Tensor {
  const recorder = recording();
  if (!recorder) return tf.stack(xs.map((x) => tf.sum(tf.square(x))));
  return tf.mul(tf.stack(xs.map((x) => tf.engine().makeTensorFromTensorInfo(recorder.op('L2Loss', [x], { T: { type: 1 } }, []), recorder))), 2);
}

/** Setting up a batched product takes 0.1 ms. */
const SMALL_BATCHES = 2 ** 17;

/** Σ over positions, always in float32. x [N,H,W,C] -> [N,C]. */
export function channelSum(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number], recorder = recording();
  if (!recorder || (n > 1 && x.size < SMALL_BATCHES)) return tf.sum(x, [1, 2]);
  if (n === 1) return floatProduct(tf.ones([1, h * w]), tf.reshape(x, [h * w, c]));
  const attrs = { T: { type: 1 }, adj_x: { bool: false }, adj_y: { bool: false } };
  const sum = recorder.op('BatchMatMulV2', [recorder.fill([n, 1, h * w], 1, 'float32'), tf.reshape(x, [n, h * w, c])], attrs, [n, 1, c]);
  return tf.reshape(tf.engine().makeTensorFromTensorInfo(sum, recorder), [n, c]);
}

/** Σ over channels at each position. x [N,H,W,C] -> [N,H,W,1]. */
export function positionSum(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  if (!recording()) return tf.sum(x, [3], true);
  return tf.reshape(floatProduct(tf.reshape(x, [n * h * w, c]), tf.ones([c, 1])), [n, h, w, 1]);
}

/** Σx² of each sample, in one pass over each. x [N,...] -> [N]. */
export function sampleSquares(x: Tensor): Tensor {
  const n = x.shape[0]!, rest = x.shape.slice(1);
  const sample = (i: number): Tensor => tf.slice(x, [i, ...rest.map(() => 0)], [1, ...rest]);
  return squares(n === 1 ? [x] : Array.from({ length: n }, (_, i) => sample(i)));
}
