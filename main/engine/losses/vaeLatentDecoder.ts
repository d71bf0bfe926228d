/** The VAE's decoder as the Latent Perceptual Loss takes it: scaled latents in. */
import type { ModelContext } from '../models/context.ts';
import { decode, decoderFeatures, unscaleLatent, type VaeConfig } from '../models/vae.ts';
import { decoderStrips } from '../models/vaeStrips.ts';
import type { Tensor } from '../tf.ts';
import type { LatentDecoder } from './latentPerceptualLoss.ts';

/** `strips` > 1: features for the loss come in that many strips of rows. */
export function vaeLatentDecoder(ctx: ModelContext, config: VaeConfig, strips = 1): LatentDecoder {
  return {
    ...(strips > 1 ? { featureStrips: (latent: Tensor, numBlocks: number) => decoderStrips(ctx, config, unscaleLatent(config, latent), numBlocks, strips) } : {}),
    features: (latent, numBlocks) => decoderFeatures(ctx, config, unscaleLatent(config, latent), numBlocks),
    image: (latent) => decode(ctx, config, unscaleLatent(config, latent)),
  };
}
