/** Gradient clipping by global norm (Pascanu et al. 2013), as torch.nn.utils.clip_grad_norm_. */
import { squares } from '../ops/reduce.ts';
import { tf, type Tensor } from '../tf.ts';

/** √Σ‖g‖² over all gradients, a scalar. */
export const globalNorm = (grads: Tensor[]): Tensor => tf.sqrt(tf.sum(squares(grads)));

/** The factor min(1, max_norm / (norm + 1e-6)) by which gradients are multiplied; 1 when `maxNorm` is 0 (never clip). */
export function clipFactor(norm: Tensor, maxNorm: number): Tensor {
  return maxNorm > 0 ? tf.minimum(1, tf.div(maxNorm, tf.add(norm, 1e-6))) : tf.scalar(1);
}
