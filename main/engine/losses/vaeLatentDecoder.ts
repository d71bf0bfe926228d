/** The VAE's decoder as the Latent Perceptual Loss takes it: scaled latents in. */
import type { ModelContext } from '../models/context.ts';
import { decode, decoderFeatures, unscaleLatent, type VaeConfig } from '../models/vae.ts';
import type { LatentDecoder } from './latentPerceptualLoss.ts';

export function vaeLatentDecoder(ctx: ModelContext, config: VaeConfig): LatentDecoder {
  return {
    features: (latent, numBlocks) => decoderFeatures(ctx, config, unscaleLatent(config, latent), numBlocks),
    image: (latent) => decode(ctx, config, unscaleLatent(config, latent)),
  };
}
