/**
 * Held-out latents noised to given timesteps and predicted back: unweighted error of the predicted noise, and the recommended LPL whatever the
 * run trained with. Used by validation while training and by evaluations. Small pictures go through the networks several at once.
 */
import type { ManifestItem } from '../../contract/datasetManifest.ts';
import type { Executor, HostTensor } from '../backend/executor.ts';
import { validationView } from '../data/batches.ts';
import { timeIds } from '../data/buckets.ts';
import type { CaptionSource } from '../data/captionCache.ts';
import { drawLatent, type LatentSource } from '../data/latentCache.ts';
import { stacked } from '../data/loadBatch.ts';
import { alphasCumprod, alphaSigma } from '../diffusion/noiseSchedule.ts';
import { addNoise, predictedLatent } from '../diffusion/prediction.ts';
import { lplLoss, lplTargets } from '../losses/latentPerceptualLoss.ts';
import { LPL_RECOMMENDED, type LplOptions } from '../losses/lplOptions.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import { predictNoise } from './networks.ts';
import { normal } from '../random.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { chunked, filled, pictureBatch } from '../run/batching.ts';
import { conditioningSpecs, floatSpec, latentShape } from '../run/specs.ts';
import { stateContext } from '../run/stateContext.ts';
import { tf } from '../tf.ts';
import type { Trainables } from '../trainables/trainables.ts';

/** A picture at a timestep, with the random numbers of its noise; with `lpl` that is measured too. */
export interface Probe { item: ManifestItem; timestep: number; noise: { step: number; sample?: number }; lpl: boolean }
export interface Probed { /** mean squared error of the predicted noise */ mse: number; lpl: number | null }
export interface ProbeParts { executor: Executor; base: BaseModel; trainables: Trainables; latents: LatentSource; /** embeddings for the plain or the EMA weights */ captions(ema: boolean): CaptionSource }
export interface Probes {
  /** Defines the step functions of these pictures' sizes, so that they are compiled with others. */
  define(items: readonly ManifestItem[], ema?: boolean): void;
  /** In the order of `probes`. */
  run(probes: readonly Probe[], options?: { ema?: boolean; onProgress?: (done: number) => void }): Promise<Probed[]>;
}

/** A number for the random generator from the picture's content (52 bits of its hash), so that every run draws the same for it. */
export const contentSeed = (item: ManifestItem): number => Number.parseInt(item.contentHash.slice(0, 13), 16);

type Bucket = readonly [width: number, height: number];
const sizeName = ([w, h]: Bucket, n: number): string => `${w}x${h}_n${n}`;
const noiseName = (bucket: Bucket, n: number, ema: boolean): string => `probe${ema ? '_ema' : ''}_${sizeName(bucket, n)}`;
const lplName = (bucket: Bucket, n: number): string => `probe_lpl_${sizeName(bucket, n)}`;
const MOST = 16;

export function openProbes(parts: ProbeParts): Probes {
  const alphas = alphasCumprod(parts.base.schedule), batchOf = ([w, h]: Bucket): number => pictureBatch(parts.base, w, h, MOST);
  return {
    define(items, ema = false) {
      for (const { bucket } of items) { defineNoise(parts, bucket, batchOf(bucket), ema); defineLpl(parts, bucket, batchOf(bucket)); }
    },
    async run(probes, { ema = false, onProgress } = {}) {
      const measured = new Map<Probe, Probed>();
      for (const group of Map.groupBy(probes, (p) => `${sizeName(p.item.bucket, 1)} ${p.lpl}`).values()) {
        const n = batchOf(group[0]!.item.bucket);
        for (const some of chunked(group, n)) {
          const values = await probeBatch(parts, filled(some, n), alphas, ema);
          some.forEach((p, i) => measured.set(p, values[i]!));
          onProgress?.(measured.size);
        }
      }
      return probes.map((p) => measured.get(p)!);
    },
  };
}

/** Probes of one size, all with or all without LPL. */
async function probeBatch({ executor, base, latents, captions }: ProbeParts, probes: readonly Probe[], alphas: Float32Array, ema: boolean): Promise<Probed[]> {
  const n = probes.length, { bucket } = probes[0]!.item, views = probes.map((p) => validationView(p.item));
  const posteriors = await Promise.all(views.map((v) => latents.posterior(v))), texts = await Promise.all(probes.map((p) => captions(ema).embedding(p.item.captions[0] ?? '')));
  const shape = posteriors[0]!['mean']!.shape.slice(1), z0 = stacked(posteriors.map((p) => drawLatent(p, base.vae, 'mean')), shape), timesteps = probes.map((p) => p.timestep);
  const noise = stacked(probes.map((p) => normal({ seed: contentSeed(p.item), stream: 'validation_noise', ...p.noise }, z0.data.length / n)), shape), { alpha, sigma } = alphaSigma(alphas, timesteps);
  const row = (name: 'prompt_embeds' | 'pooled'): HostTensor => stacked(texts.map((t) => t[name]!.data as Float32Array), texts[0]![name]!.shape.slice(1));
  const out = await executor.run(noiseName(bucket, n, ema), {
    z0, noise, timestep: { shape: [n], data: Float32Array.from(timesteps) }, alpha: { shape: [n, 1, 1, 1], data: alpha }, sigma: { shape: [n, 1, 1, 1], data: sigma }, promptEmbeds: row('prompt_embeds'),
    ...(texts[0]!['pooled'] ? { pooled: row('pooled'), timeIds: stacked(probes.map((p, i) => Float32Array.from(timeIds(p.item, views[i]!.crop, false))), [6]) } : {}),
  });
  const lpl = probes[0]!.lpl ? (await executor.run(lplName(bucket, n), { predicted: out['predicted']!, z0 }))['lpl']! : null;
  return probes.map((_, i) => ({ mse: out['mse']!.data[i]!, lpl: lpl ? lpl.data[i]! : null }));
}

function defineNoise({ executor, base, trainables }: ProbeParts, bucket: Bucket, n: number, ema: boolean): void {
  const name = noiseName(bucket, n, ema), latent = floatSpec(...latentShape(base, n, ...bucket)), each = floatSpec(n, 1, 1, 1);
  if (executor.isDefined(name)) return;
  executor.define(name, { z0: latent, noise: latent, timestep: floatSpec(n), alpha: each, sigma: each, ...conditioningSpecs(base, n) }, (inputs, state) => {
    const { z0, noise, timestep, alpha, sigma } = inputs as Record<string, tf.Tensor>;
    const zt = addNoise(z0!, noise!, alpha!, sigma!), output = predictNoise(base, trainables, state, zt, timestep!, inputs, { ema });
    const predicted = predictedLatent(base.predictionType, zt, output, alpha!, sigma!);
    const epsilon = base.predictionType === 'epsilon' ? output : tf.div(tf.sub(zt, tf.mul(alpha!, predicted)), sigma!);
    return { outputs: { mse: tf.mean(tf.square(tf.sub(epsilon, noise!)), [1, 2, 3]), predicted } };
  });
}

function defineLpl({ executor, base }: ProbeParts, bucket: Bucket, n: number): void {
  const name = lplName(bucket, n), latent = floatSpec(...latentShape(base, n, ...bucket));
  const options: LplOptions = { ...LPL_RECOMMENDED, num_blocks: Math.min(LPL_RECOMMENDED.num_blocks, base.vae.block_out_channels.length) };
  if (executor.isDefined(name)) return;
  executor.define(name, { predicted: latent, z0: latent }, ({ predicted, z0 }, state) => {
    const decoder = vaeLatentDecoder(stateContext(state, 'vae'), base.vae);
    return { outputs: { lpl: lplLoss(decoder, options, predicted!, lplTargets(decoder, options, z0!)).perSample } };
  });
}
