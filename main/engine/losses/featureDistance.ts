/**
 * The distance of a feature from its target, summed over a sample, in few passes over memory: features are large, and every elementwise
 * operation on its own reads and writes them once. Backwards the difference is computed again from what is in memory anyway.
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
  const difference = (...[u, weight, target]: Tensor[]): Tensor => tf.sub(tf.mul(u!, weight!), target!);
  return customOp([x], () => ({ value: total(type, fuse(x.size, () => difference(x, a, b))), saved: [x, a, b] }),
    (dy, saved) => [() => fuse(x.size, () => tf.mul(slope(type, difference(...saved), perSample(dy)), saved[1]!))]);
}

/**
 * Σ(a·(u − b))² or Σ|a·(u − b)| of u = x/(n + 1e-10), n = ‖x‖ over channels. With g = d distance/du and r = 1/(n + 1e-10),
 * dx = r·g − x·(Σ_c g·x)·r²/n. Where x is 0 its gradient is taken as 0.
 */
export function normalisedDistance(type: Distance, x: Tensor, a: Tensor, b: Tensor): Tensor {
  const difference = (u: Tensor, weight: Tensor, target: Tensor, divisor: Tensor): Tensor => tf.mul(tf.sub(tf.div(u, divisor), target), weight);
  return customOp([x], () => {
    const norm = tf.sqrt(positionSum(tf.square(x))), divisor = tf.add(norm, 1e-10);
    return { value: total(type, fuse(x.size, () => difference(x, a, b, divisor))), saved: [x, a, b, norm] };
  }, (dy, saved) => {
    const [input, weight, target, norm] = saved as [Tensor, Tensor, Tensor, Tensor];
    return [() => {
      const divisor = tf.add(norm, 1e-10), inverse = tf.div(1, divisor), cotangent = perSample(dy);
      const g = (): Tensor => tf.mul(slope(type, difference(input, weight, target, divisor), cotangent), weight);
      const along = positionSum(fuse(x.size, () => tf.mul(g(), input)));
      const back = tf.div(tf.mul(along, tf.square(inverse)), tf.maximum(norm, 1e-30));
      return fuse(x.size, () => tf.sub(tf.mul(g(), inverse), tf.mul(input, back)));
    }];
  });
}
