/**
 * The distance of a feature from its target, summed over a sample, in few passes over memory: features are large, and every elementwise
 * operation on its own reads and writes them once.
 */
import { customOp } from '../ops/customOp.ts';
import { fuse } from '../ops/fuse.ts';
import { positionSum, sampleSquares } from '../ops/reduce.ts';
import { tf, type Tensor } from '../tf.ts';

export type Distance = 'mse' | 'l1';

const total = (type: Distance, difference: Tensor): Tensor => (type === 'mse' ? sampleSquares(difference) : tf.sum(tf.abs(difference), [1, 2, 3]));
/** d distance / d difference, for a cotangent [N,1,1,1] of the total. */
const slope = (type: Distance, difference: Tensor, cotangent: Tensor): Tensor => tf.mul(type === 'mse' ? tf.mul(difference, 2) : tf.sign(difference), cotangent);
const perSample = (dy: Tensor): Tensor => tf.reshape(dy, [-1, 1, 1, 1]);

/** Σ(a·x − b)² or Σ|a·x − b|. x and b [N,H,W,C], a broadcast to it -> [N]. Differentiable in x alone. */
export function weightedDistance(type: Distance, x: Tensor, a: Tensor, b: Tensor): Tensor {
  return customOp([x], () => {
    const difference = fuse(x.size, () => tf.sub(tf.mul(x, a), b));
    return { value: total(type, difference), saved: [difference, a] };
  }, (dy, [difference, weight]) => [() => fuse(x.size, () => tf.mul(slope(type, difference!, perSample(dy)), weight!))]);
}

/**
 * Σ(a·(u − b))² or Σ|a·(u − b)| of u = x/(n + 1e-10), n = ‖x‖ over channels. With g = d distance/du and r = 1/(n + 1e-10),
 * dx = r·g − x·(Σ_c g·x)·r²/n. Where x is 0 its gradient is taken as 0.
 */
export function normalisedDistance(type: Distance, x: Tensor, a: Tensor, b: Tensor): Tensor {
  return customOp([x], () => {
    const norm = tf.sqrt(positionSum(tf.square(x))), divisor = tf.add(norm, 1e-10);
    const difference = fuse(x.size, () => tf.mul(tf.sub(tf.div(x, divisor), b), a));
    return { value: total(type, difference), saved: [difference, a, x, norm, tf.div(1, divisor)] };
  }, (dy, saved) => {
    const [difference, weight, input, norm, inverse] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    return [() => {
      const cotangent = perSample(dy), g = (): Tensor => tf.mul(slope(type, difference, cotangent), weight);
      const along = positionSum(fuse(x.size, () => tf.mul(g(), input)));
      const back = tf.div(tf.mul(along, tf.square(inverse)), tf.maximum(norm, 1e-30));
      return fuse(x.size, () => tf.sub(tf.mul(g(), inverse), tf.mul(input, back)));
    }];
  });
}
