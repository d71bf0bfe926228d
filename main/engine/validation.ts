/**
 * The loss on held-out pictures, the same measure for every run of a base model and data set, whatever the run's own settings: mean latents,
 * one timestep in each bin and its noise drawn by the picture's content, unweighted mean squared error of the noise (and the recommended
 * LPL for bins below its threshold). So numbers of different runs, seeds and losses can be compared.
 */
import type { ManifestItem } from '../contract/datasetManifest.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { Executor, HostTensor } from './backend/executor.ts';
import { validationView } from './data/batches.ts';
import { timeIds } from './data/buckets.ts';
import type { CaptionSource } from './data/captionCache.ts';
import { drawLatent, type LatentSource } from './data/latentCache.ts';
import { alphasCumprod, alphaSigma } from './diffusion/noiseSchedule.ts';
import { addNoise, predictedLatent } from './diffusion/prediction.ts';
import { lplLoss, lplTargets } from './losses/latentPerceptualLoss.ts';
import { LPL_RECOMMENDED, type LplOptions } from './losses/lplOptions.ts';
import { vaeLatentDecoder } from './losses/vaeLatentDecoder.ts';
import { unetForward } from './models/unet.ts';
import { integers, normal } from './random.ts';
import type { BaseModel } from './run/baseModel.ts';
import { conditioningSpecs, floatSpec, latentShape } from './run/specs.ts';
import { stateContext } from './run/stateContext.ts';
import { tf } from './tf.ts';
import { trainedContext, type Trainables } from './trainables/trainables.ts';

/** LPL is reported for timesteps below this, by the authors' recommended options. */
const LPL_BELOW = 200;

export interface ValidationParts { executor: Executor; base: BaseModel; trainables: Trainables; latents: LatentSource; captions(ema: boolean): CaptionSource; items: readonly ManifestItem[]; options: RunConfig['validation']; ema: boolean }
export interface Validation { run(onProgress?: (done: number, total: number) => void): Promise<Record<string, number>> }

/** One picture at one timestep. */
interface Probe { item: ManifestItem; bin: number; timestep: number }

/** Defines the step functions of every size at once, so that they are compiled with the rest. */
export function openValidation(parts: ValidationParts): Validation {
  const { base, items, options } = parts, total = base.schedule.num_train_timesteps;
  const probes = items.flatMap((item) => Array.from({ length: options.validation_bins }, (_, bin) => probe(item, bin, options.validation_bins, total)));
  const alphas = alphasCumprod(base.schedule);
  for (const item of items) {
    for (const ema of parts.ema ? [false, true] : [false]) defineProbe(parts, item.bucket, ema);
    defineLpl(parts, item.bucket);
  }
  return {
    async run(onProgress) {
      const metrics = new Means();
      for (const weights of parts.ema ? ['', 'ema_'] : ['']) {
        for (const [index, p] of probes.entries()) {
          const { mse, lpl } = await measure(parts, p, alphas, weights !== '');
          metrics.add(`val/${weights}loss`, mse);
          metrics.add(`val/${weights}loss_bin_${p.bin}`, mse);
          if (lpl !== null) { metrics.add(`val/${weights}lpl`, lpl); metrics.add(`val/${weights}lpl_bin_${p.bin}`, lpl); }
          onProgress?.(index + 1, probes.length);
        }
      }
      return metrics.all();
    },
  };
}

/** A number for the random generator from the picture's content, so that every run draws the same for it. */
const contentSeed = (item: ManifestItem): number => Number.parseInt(item.contentHash.slice(0, 13), 16);

function probe(item: ManifestItem, bin: number, bins: number, total: number): Probe {
  const low = Math.floor((bin * total) / bins), high = Math.floor(((bin + 1) * total) / bins);
  return { item, bin, timestep: integers({ seed: contentSeed(item), stream: 'validation_timesteps', step: bins, sample: bin }, 1, low, Math.max(low + 1, high))[0]! };
}

async function measure(parts: ValidationParts, { item, bin, timestep }: Probe, alphas: Float32Array, ema: boolean): Promise<{ mse: number; lpl: number | null }> {
  const { executor, base, latents, captions } = parts;
  const view = validationView(item), posterior = await latents.posterior(view), text = await captions(ema).embedding(item.captions[0] ?? '');
  const shape = posterior['mean']!.shape, z0 = drawLatent(posterior, base.vae, 'mean');
  const noise = normal({ seed: contentSeed(item), stream: 'validation_noise', step: bin }, z0.length);
  const { alpha, sigma } = alphaSigma(alphas, [timestep]);
  const inputs: Record<string, HostTensor> = {
    z0: { shape, data: z0 }, noise: { shape, data: noise }, timestep: { shape: [1], data: Float32Array.of(timestep) },
    alpha: { shape: [1, 1, 1, 1], data: alpha }, sigma: { shape: [1, 1, 1, 1], data: sigma }, promptEmbeds: text['prompt_embeds']!,
    ...(text['pooled'] ? { pooled: text['pooled'], timeIds: { shape: [1, 6], data: Float32Array.from(timeIds(item, view.crop, false)) } } : {}),
  };
  const out = await executor.run(probeName(item.bucket, ema), inputs);
  const compared = timestep < LPL_BELOW ? await executor.run(lplName(item.bucket), { predicted: out['predicted']!, z0: inputs['z0']! }) : null;
  return { mse: out['mse']!.data[0]!, lpl: compared ? compared['lpl']!.data[0]! : null };
}

type Bucket = readonly [width: number, height: number];
const probeName = ([w, h]: Bucket, ema: boolean): string => `validate${ema ? '_ema' : ''}_${w}x${h}`;
const lplName = ([w, h]: Bucket): string => `validate_lpl_${w}x${h}`;

/** The noise prediction of one sample and its error. */
function defineProbe({ executor, base, trainables }: ValidationParts, bucket: Bucket, ema: boolean): void {
  const latent = floatSpec(...latentShape(base, 1, ...bucket)), one = floatSpec(1, 1, 1, 1);
  const specs = { z0: latent, noise: latent, timestep: floatSpec(1), alpha: one, sigma: one, ...conditioningSpecs(base, 1) };
  executor.define(probeName(bucket, ema), specs, ({ z0, noise, alpha, sigma, timestep, promptEmbeds, pooled, timeIds: ids }, state) => {
    const zt = addNoise(z0!, noise!, alpha!, sigma!);
    const output = unetForward(trainedContext(state, 'unet', trainables, { ema }), base.unet, {
      sample: zt, timestep: timestep!, encoderHiddenStates: promptEmbeds!, ...(pooled ? { textEmbeds: pooled, timeIds: ids! } : {}),
    });
    const predicted = predictedLatent(base.predictionType, zt, output, alpha!, sigma!);
    const epsilon = base.predictionType === 'epsilon' ? output : tf.div(tf.sub(zt, tf.mul(alpha!, predicted)), sigma!);
    return { outputs: { mse: tf.reshape(tf.mean(tf.square(tf.sub(epsilon, noise!))), [1]), predicted } };
  });
}

function defineLpl({ executor, base }: ValidationParts, bucket: Bucket): void {
  const spec = floatSpec(...latentShape(base, 1, ...bucket));
  const options: LplOptions = { ...LPL_RECOMMENDED, num_blocks: Math.min(LPL_RECOMMENDED.num_blocks, base.vae.block_out_channels.length) };
  executor.define(lplName(bucket), { predicted: spec, z0: spec }, ({ predicted, z0 }, state) => {
    const decoder = vaeLatentDecoder(stateContext(state, 'vae'), base.vae);
    return { outputs: { lpl: lplLoss(decoder, options, predicted!, lplTargets(decoder, options, z0!)).perSample } };
  });
}

/** Means by name. */
class Means {
  readonly #sums = new Map<string, [sum: number, n: number]>();
  add(name: string, value: number): void {
    const [sum, n] = this.#sums.get(name) ?? [0, 0];
    this.#sums.set(name, [sum + value, n + 1]);
  }
  all(): Record<string, number> { return Object.fromEntries([...this.#sums].map(([name, [sum, n]]) => [name, sum / n])); }
}
