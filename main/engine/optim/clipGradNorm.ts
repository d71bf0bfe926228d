/** Gradient clipping by global norm (Pascanu et al. 2013), as torch.nn.utils.clip_grad_norm_. */
import { sumOfSquares } from '../ops/reduce.ts';
import { tf, type Tensor } from '../tf.ts';

/** √Σ‖g‖² over all gradients, a scalar. */
export function globalNorm(grads: Tensor[]): Tensor {
  const squares = grads.map(sumOfSquares);
  return tf.sqrt(squares.length === 1 ? squares[0]! : tf.sum(tf.stack(squares)));
}

/** The factor min(1, max_norm / (norm + 1e-6)) by which gradients are multiplied; 1 when `maxNorm` is 0 (never clip). */
export function clipFactor(norm: Tensor, maxNorm: number): Tensor {
  return maxNorm > 0 ? tf.minimum(1, tf.div(maxNorm, tf.add(norm, 1e-6))) : tf.scalar(1);
}
