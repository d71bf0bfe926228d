/**
 * AutoencoderKL (Kingma & Welling 2014; Rombach et al. 2022) on tfjs, NHWC.
 *
 * Latents here are *unscaled*: what a diffusion model sees is (z − shift_factor)·scaling_factor.
 */
import { tf, type Tensor } from '../tf.ts';
import { convLayer, type ModelContext } from './context.ts';
import { decoderBlocks, decoderForward, decoderShapes } from './vaeDecoder.ts';
import { encoderForward, encoderShapes } from './vaeEncoder.ts';
import type { VaeConfig } from './vaeConfig.ts';
import { convShapes, mergeShapes, type WeightShapes } from './weightShapes.ts';

export { parseVaeConfig, vaeFactor, type VaeConfig } from './vaeConfig.ts';

/** Mean and log-variance of the diagonal Gaussian posterior, each [N,h,w,latent_channels]; logvar is clamped to −30..20. */
export interface Posterior { mean: Tensor; logvar: Tensor }

/** image [N,H,W,3] in −1..1 (H and W multiples of vaeFactor) -> posterior. */
export function encode(ctx: ModelContext, config: VaeConfig, image: Tensor): Posterior {
  const h = encoderForward(ctx, config, image);
  const moments = config.use_quant_conv ? convLayer(ctx, 'quant_conv', h) : h;
  const [mean, logvar] = tf.split(moments, 2, 3) as [Tensor, Tensor];
  return { mean, logvar: tf.clipByValue(logvar, -30, 20) };
}

/** z [N,h,w,latent_channels], unscaled -> image [N,8h,8w,3], about −1..1, not clamped. */
export function decode(ctx: ModelContext, config: VaeConfig, z: Tensor): Tensor {
  return decoderForward(ctx, config, config.use_post_quant_conv ? convLayer(ctx, 'post_quant_conv', z) : z);
}

/** The features that LPL compares: [mid block, up block 0, … numBlocks − 1], without post_quant_conv. z unscaled. */
export function decoderFeatures(ctx: ModelContext, config: VaeConfig, z: Tensor, numBlocks: number): Tensor[] {
  return decoderBlocks(ctx, config, z, numBlocks);
}

/** Latent as the diffusion model sees it. */
export const scaleLatent = (config: VaeConfig, z: Tensor): Tensor => tf.mul(tf.sub(z, config.shift_factor), config.scaling_factor);
/** The inverse of `scaleLatent`. */
export const unscaleLatent = (config: VaeConfig, z: Tensor): Tensor => tf.add(tf.div(z, config.scaling_factor), config.shift_factor);

/** Every weight of the VAE, in tfjs layout. */
export function vaeWeightShapes(config: VaeConfig): WeightShapes {
  const c = config.latent_channels;
  return mergeShapes(
    encoderShapes(config), decoderShapes(config),
    config.use_quant_conv ? convShapes('quant_conv', 1, 2 * c, 2 * c) : {},
    config.use_post_quant_conv ? convShapes('post_quant_conv', 1, c, c) : {},
  );
}
