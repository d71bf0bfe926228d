/**
 * Held-out latents noised to fixed timesteps and predicted back: distance of decoder features (the recommended LPL, whatever the run
 * trained with) and error of the predicted noise. The noise is drawn by the picture's content: the same for every arm and seed.
 */
import type { ManifestItem } from '../../contract/datasetManifest.ts';
import type { Evaluation } from '../../contract/evaluation.ts';
import type { Executor } from '../backend/executor.ts';
import { validationView } from '../data/batches.ts';
import { timeIds } from '../data/buckets.ts';
import type { CaptionSource } from '../data/captionCache.ts';
import { drawLatent, type LatentSource } from '../data/latentCache.ts';
import { alphasCumprod, alphaSigma } from '../diffusion/noiseSchedule.ts';
import { addNoise, predictedLatent } from '../diffusion/prediction.ts';
import { lplLoss, lplTargets } from '../losses/latentPerceptualLoss.ts';
import { LPL_RECOMMENDED } from '../losses/lplOptions.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import { predictNoise } from '../program/networks.ts';
import { normal } from '../random.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { conditioningSpecs, floatSpec, latentShape } from '../run/specs.ts';
import { stateContext } from '../run/stateContext.ts';
import { tf } from '../tf.ts';
import type { Trainables } from '../trainables/trainables.ts';

export type Reconstruction = Evaluation['reconstructions'][number];
export interface ReconstructParts { executor: Executor; base: BaseModel; trainables: Trainables; latents: LatentSource; captions: CaptionSource }

const stepName = ([w, h]: readonly [number, number]): string => `reconstruct_${w}x${h}`;
/** The first 52 bits of the content hash. */
const contentSeed = (item: ManifestItem): number => Number.parseInt(item.contentHash.slice(0, 13), 16);

/** Defines the step function of each size. */
export function defineReconstructions({ executor, base, trainables }: ReconstructParts, items: readonly ManifestItem[]): void {
  const options = { ...LPL_RECOMMENDED, num_blocks: Math.min(LPL_RECOMMENDED.num_blocks, base.vae.block_out_channels.length) };
  for (const { bucket } of items.filter((item, i) => items.findIndex((o) => stepName(o.bucket) === stepName(item.bucket)) === i)) {
    const latent = floatSpec(...latentShape(base, 1, ...bucket)), one = floatSpec(1, 1, 1, 1);
    executor.define(stepName(bucket), { z0: latent, noise: latent, timestep: floatSpec(1), alpha: one, sigma: one, ...conditioningSpecs(base, 1) }, (inputs, state) => {
      const { z0, noise, timestep, alpha, sigma } = inputs as Record<string, tf.Tensor>;
      const zt = addNoise(z0!, noise!, alpha!, sigma!), output = predictNoise(base, trainables, state, zt, timestep!, inputs);
      const predicted = predictedLatent(base.predictionType, zt, output, alpha!, sigma!);
      const epsilon = tf.div(tf.sub(zt, tf.mul(alpha!, predicted)), sigma!);
      const decoder = vaeLatentDecoder(stateContext(state, 'vae'), base.vae);
      return { outputs: { mse: tf.reshape(tf.mean(tf.square(tf.sub(epsilon, noise!))), [1]), distance: lplLoss(decoder, options, predicted, lplTargets(decoder, options, z0!)).perSample } };
    });
  }
}

/** One held-out picture at one timestep. */
export async function reconstruct({ executor, base, latents, captions }: ReconstructParts, item: ManifestItem, timestep: number): Promise<Reconstruction> {
  const view = validationView(item), posterior = await latents.posterior(view), text = await captions.embedding(item.captions[0] ?? '');
  const shape = posterior['mean']!.shape, z0 = drawLatent(posterior, base.vae, 'mean');
  const { alpha, sigma } = alphaSigma(alphasCumprod(base.schedule), [timestep]);
  const out = await executor.run(stepName(item.bucket), {
    z0: { shape, data: z0 }, noise: { shape, data: normal({ seed: contentSeed(item), stream: 'validation_noise', step: timestep, sample: 1 }, z0.length) },
    timestep: { shape: [1], data: Float32Array.of(timestep) }, alpha: { shape: [1, 1, 1, 1], data: alpha }, sigma: { shape: [1, 1, 1, 1], data: sigma },
    promptEmbeds: text['prompt_embeds']!, ...(text['pooled'] ? { pooled: text['pooled'], timeIds: { shape: [1, 6], data: Float32Array.from(timeIds(item, view.crop, false)) } } : {}),
  });
  return { item: item.contentHash, timestep, feature_distance: out['distance']!.data[0]!, mse: out['mse']!.data[0]! };
}
