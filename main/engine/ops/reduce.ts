/** Sums over all but the last axis. On TensorFlow's CPU a product with a row of ones is twice as fast as its reduction, unless small. */
import { tf, type Tensor } from '../tf.ts';
import { recording } from './fuse.ts';

/** Σ over rows. x [..., C] -> [C]. */
export function columnSum(x: Tensor): Tensor {
  const c = x.shape.at(-1)!;
  return tf.reshape(batchedColumnSum(tf.reshape(x, [1, -1, c])), [c]);
}

/** Σx², a scalar, in one pass where TensorFlow has one. */
export function sumOfSquares(x: Tensor): Tensor {
  const recorder = recording();
  if (!recorder) return tf.sum(tf.square(x));
  return tf.mul(tf.engine().makeTensorFromTensorInfo(recorder.op('L2Loss', [x], { T: { type: 1 } }, []), recorder), 2);
}

/** Σ over positions. x [N,H,W,C] -> [N,C]. */
export function channelSum(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return batchedColumnSum(tf.reshape(x, [n, h * w, c]));
}

/** Setting up a batched product takes 0.1 ms. */
const SMALL_BATCHES = 2 ** 17;

/** x [N,R,C] -> [N,C], always in float32. */
function batchedColumnSum(x: Tensor): Tensor {
  const [n, rows, c] = x.shape as [number, number, number];
  const recorder = recording();
  if (!recorder || (n > 1 && x.size < SMALL_BATCHES)) return tf.sum(x, 1);
  const float = { T: { type: 1 } };
  const ones = recorder.fill(n === 1 ? [1, rows] : [n, 1, rows], 1, 'float32');
  const sum = n === 1
    ? recorder.op('MatMul', [ones, tf.reshape(x, [rows, c])], { ...float, transpose_a: { bool: false }, transpose_b: { bool: false } }, [1, c])
    : recorder.op('BatchMatMulV2', [ones, x], { ...float, adj_x: { bool: false }, adj_y: { bool: false } }, [n, 1, c]);
  return tf.reshape(tf.engine().makeTensorFromTensorInfo(sum, recorder), [n, c]);
}

/** Σ over channels at each position. x [N,H,W,C] -> [N,H,W,1]. */
export function positionSum(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const recorder = recording();
  if (!recorder) return tf.sum(x, [3], true);
  const attrs = { T: { type: 1 }, transpose_a: { bool: false }, transpose_b: { bool: false } };
  const sum = recorder.op('MatMul', [tf.reshape(x, [n * h * w, c]), recorder.fill([c, 1], 1, 'float32')], attrs, [n * h * w, 1]);
  return tf.reshape(tf.engine().makeTensorFromTensorInfo(sum, recorder), [n, h, w, 1]);
}

/** Σx² of each sample, in one pass over each. x [N,...] -> [N]. */
export function sampleSquares(x: Tensor): Tensor {
  const n = x.shape[0]!, rest = x.shape.slice(1);
  const sample = (i: number): Tensor => tf.slice(x, [i, ...rest.map(() => 0)], [1, ...rest]);
  return tf.reshape(tf.stack(n === 1 ? [sumOfSquares(x)] : Array.from({ length: n }, (_, i) => sumOfSquares(sample(i)))), [n]);
}
