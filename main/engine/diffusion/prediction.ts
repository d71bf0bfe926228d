/**
 * What a network predicts, and how it turns into a clean latent. With α² + σ² = 1 and z_t = α·z_0 + σ·ε:
 * ε-prediction (Ho et al. 2020), v = α·ε − σ·z_0 (Salimans & Ho 2022), or z_0 itself ("sample").
 * Latents are [N,h,w,4]; α and σ [N,1,1,1].
 */
import { tf, type Tensor } from '../tf.ts';

export type PredictionType = 'epsilon' | 'v_prediction' | 'sample';

/** z_t = α·z_0 + σ·ε. */
export function addNoise(z0: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor): Tensor {
  return tf.add(tf.mul(alpha, z0), tf.mul(sigma, noise));
}

/** v = α·ε − σ·z_0. */
export function velocity(z0: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor): Tensor {
  return tf.sub(tf.mul(alpha, noise), tf.mul(sigma, z0));
}

/** What the network's output is compared with. */
export function predictionTarget(type: PredictionType, z0: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor): Tensor {
  if (type === 'epsilon') return noise;
  return type === 'v_prediction' ? velocity(z0, noise, alpha, sigma) : z0;
}

/** ẑ_0 from the network's output: (z_t − σ·ε̂)/α, α·z_t − σ·v̂, or the output itself. */
export function predictedLatent(type: PredictionType, zt: Tensor, output: Tensor, alpha: Tensor, sigma: Tensor): Tensor {
  if (type === 'epsilon') return tf.div(tf.sub(zt, tf.mul(sigma, output)), alpha);
  return type === 'v_prediction' ? tf.sub(tf.mul(alpha, zt), tf.mul(sigma, output)) : output;
}
