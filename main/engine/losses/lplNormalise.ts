/** How features are scaled before they are compared. Features are [N,H,W,C]. */
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import type { LplNorm } from './lplOptions.ts';

/** ‖x‖₂ over channels at each position, [N,H,W,1]. */
const channelNorm = (x: Tensor): Tensor => tf.sqrt(tf.sum(tf.square(x), [3], true));
const unit = (x: Tensor): Tensor => tf.div(x, tf.add(channelNorm(x), 1e-10));

/** A target feature, scaled, and the numbers of the target by which the prediction's feature is scaled alike. */
export interface NormalisedTarget { target: Tensor; by: TensorMap }

/**
 * - default: each feature by its own norm, y/(‖y‖+1e-10) (the prediction by its own: nothing of the target is needed);
 * - shared: both by the target's, 1/(‖y‖+1e-6);
 * - batch: neither (the reference's option of that name does nothing);
 * - standardize: both by the target's mean and standard deviation per sample and channel over the unmasked positions (the paper's own).
 * `mask` [N,H,W,C] is 1 where values count.
 */
export function normaliseTarget(norm: LplNorm, y: Tensor, mask: Tensor | undefined): NormalisedTarget {
  switch (norm) {
    case 'default': return { target: unit(y), by: {} };
    case 'batch': return { target: y, by: {} };
    case 'shared': {
      const scale = tf.div(1, tf.add(channelNorm(y), 1e-6));
      return { target: tf.mul(y, scale), by: { scale } };
    }
    case 'standardize': {
      const { mean, deviation } = maskedMoments(y, mask);
      const scale = tf.div(1, tf.add(deviation, 1e-6));
      return { target: tf.mul(tf.sub(y, mean), scale), by: { mean, scale } };
    }
  }
}

/** Scales a prediction's feature as `normaliseTarget` says. */
export function normalisePrediction(norm: LplNorm, x: Tensor, by: TensorMap): Tensor {
  switch (norm) {
    case 'default': return unit(x);
    case 'batch': return x;
    case 'shared': return tf.mul(x, by['scale']!);
    case 'standardize': return tf.mul(tf.sub(x, by['mean']!), by['scale']!);
  }
}

/** Mean and standard deviation over H and W where the mask is 1, [N,1,1,C]. */
function maskedMoments(y: Tensor, mask: Tensor | undefined): { mean: Tensor; deviation: Tensor } {
  const m = mask ?? tf.onesLike(y);
  const count = tf.maximum(tf.sum(m, [1, 2], true), 1);
  const mean = tf.div(tf.sum(tf.mul(y, m), [1, 2], true), count);
  const variance = tf.div(tf.sum(tf.mul(tf.square(tf.sub(y, mean)), m), [1, 2], true), count);
  return { mean, deviation: tf.sqrt(variance) };
}

/** Names of what `normaliseTarget` puts into `by`. */
export const normaliserNames: Record<LplNorm, string[]> = { default: [], batch: [], shared: ['scale'], standardize: ['mean', 'scale'] };
