/** How features are scaled before they are compared. Features are [N,H,W,C]. */
import { tf, type Tensor } from '../tf.ts';
import type { LplNorm } from './lplOptions.ts';

/** ‖y‖₂ over channels at each position, [N,H,W,1]. */
const channelNorm = (y: Tensor): Tensor => tf.sqrt(tf.sum(tf.square(y), [3], true));

/**
 * What the target's feature y is divided by, broadcast to [N,H,W,C]:
 * - default: ‖y‖+1e-10; the prediction is divided by its own norm instead;
 * - shared: ‖y‖+1e-6, the prediction too;
 * - batch: 1 (the reference's option of that name does nothing);
 * - standardize: σ+1e-6, the prediction too; σ is the target's standard deviation per sample and channel over the unmasked positions
 *   (the paper's own). The target's mean is subtracted from both and so drops out of their difference.
 * `mask` [N,H,W,C] is 1 where values count.
 */
export function targetNorm(norm: LplNorm, y: Tensor, mask: Tensor | undefined): Tensor {
  switch (norm) {
    case 'default': return tf.add(channelNorm(y), 1e-10);
    case 'shared': return tf.add(channelNorm(y), 1e-6);
    case 'batch': return tf.ones([y.shape[0]!, 1, 1, 1]);
    case 'standardize': return tf.add(maskedDeviation(y, mask), 1e-6);
  }
}

/** Standard deviation over H and W where the mask is 1, [N,1,1,C]. */
function maskedDeviation(y: Tensor, mask: Tensor | undefined): Tensor {
  const m = mask ?? tf.onesLike(y);
  const count = tf.maximum(tf.sum(m, [1, 2], true), 1);
  const mean = tf.div(tf.sum(tf.mul(y, m), [1, 2], true), count);
  return tf.sqrt(tf.div(tf.sum(tf.mul(tf.square(tf.sub(y, mean)), m), [1, 2], true), count));
}
