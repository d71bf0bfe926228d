/**
 * The built-in model's UNet and its two text encoders, trained together from scratch: noise prediction on the scaled
 * latents of the named pictures, one caption in ten empty, min-SNR weighted (Hang et al. 2023): low noise, where the
 * loss is large and the picture long decided, no longer rules the gradient.
 */
import { join } from 'node:path';
import { tf, type Tensor, type TensorMap } from '../../main/engine/tf.ts';
import type { Executor, HostTensor } from '../../main/engine/backend/executor.ts';
import { alphasCumprod, alphaSigma, SDXL_NOISE_SCHEDULE } from '../../main/engine/diffusion/noiseSchedule.ts';
import type { ModelContext } from '../../main/engine/models/context.ts';
import { initWeights } from '../../main/engine/models/init.ts';
import { parseUnetConfig, unetForward, unetWeightShapes } from '../../main/engine/models/unet.ts';
import type { WeightShapes } from '../../main/engine/models/weightShapes.ts';
import { integers, normal, uniform } from '../../main/engine/random.ts';
import { imageSize, unetConfig } from './configs.ts';
import type { LatentPicture } from './latents.ts';
import { pretrain } from './pretrain.ts';
import { unreadText, type TextModel } from './text.ts';

const batchSize = 32;
const seed = 2;
const side = imageSize / 8;
const values = side * side * 4;
export const unet = parseUnetConfig(unetConfig);

/** Weights of all three networks under "unet/", "text_encoder/", "text_encoder_2/". */
export function shapesOf(text: TextModel): WeightShapes {
  const under = (prefix: string, shapes: WeightShapes): WeightShapes => Object.fromEntries(Object.entries(shapes).map(([n, s]) => [`${prefix}/${n}`, s]));
  return { ...under('unet', unetWeightShapes(unet)), ...under('text_encoder', text.shapes[0]), ...under('text_encoder_2', text.shapes[1]) };
}

/** The part of a set of weights below a prefix, as a model sees it. */
export const contextUnder = (prefix: string, shapes: WeightShapes, w: (name: string) => Tensor): ModelContext =>
  ({ w: (n) => w(`${prefix}/${n}`), has: (n) => `${prefix}/${n}` in shapes });

/** Original and target size as the picture's, no crop: SDXL's six numbers. */
export const timeIds = (n: number): HostTensor =>
  ({ shape: [n, 6], data: Float32Array.from({ length: n * 6 }, (_, i) => [imageSize, imageSize, 0, 0, imageSize, imageSize][i % 6]!) });

/** noise prediction for `inputs` (sample, timestep, ids_1, ids_2, time_ids). */
export function predict(text: TextModel, shapes: WeightShapes, inputs: TensorMap, w: (name: string) => Tensor): Tensor {
  const { states, pooled } = text.encode(contextUnder('text_encoder', shapes, w), contextUnder('text_encoder_2', shapes, w), inputs['ids_1']!, inputs['ids_2']!);
  return unetForward(contextUnder('unet', shapes, w), unet, {
    sample: inputs['sample']!, timestep: inputs['timestep']!, encoderHiddenStates: states, textEmbeds: pooled, timeIds: inputs['time_ids']!,
  });
}

/** The caption as it is, sometimes without its style or only the object, so that short prompts work too; one in ten empty. */
function captionFor(caption: string, u: number): string {
  if (u < 0.1) return '';
  if (u < 0.2) return caption.replace(/^\w+ /, '');
  return u < 0.3 ? caption.replace(/^\w+ emoji of /, '') : caption;
}

/** min(snr, 5) / snr. */
const minSnr = (alpha: number, sigma: number): number => Math.min(1, 5 / (alpha / sigma) ** 2);

const alphas = alphasCumprod(SDXL_NOISE_SCHEDULE);

function batchOf(text: TextModel, latents: LatentPicture[], scale: number, step: number): Record<string, HostTensor> {
  const chosen = integers({ seed, stream: 'order', step }, batchSize, 0, latents.length);
  const variant = uniform({ seed, stream: 'crop', step }, batchSize);
  const words = uniform({ seed, stream: 'caption_choice', step }, batchSize);
  const timesteps = integers({ seed, stream: 'timesteps', step }, batchSize, 0, 1000);
  const noise = normal({ seed, stream: 'noise', step }, batchSize * values);
  const posterior = normal({ seed, stream: 'posterior', step }, batchSize * values);
  const { alpha, sigma } = alphaSigma(alphas, timesteps);
  const sample = new Float32Array(batchSize * values);
  for (let b = 0; b < batchSize; b++) {
    const { posteriors } = latents[chosen[b]!]!;
    const v = variant[b]! < 0.4 ? 0 : 1 + Math.floor(((variant[b]! - 0.4) / 0.6) * (posteriors.length - 1));
    const { mean, std } = posteriors[v]!;
    for (let i = 0; i < values; i++) {
      const at = b * values + i;
      sample[at] = alpha[b]! * scale * (mean[i]! + std[i]! * posterior[at]!) + sigma[b]! * noise[at]!;
    }
  }
  const captions = [...chosen].map((i, b) => captionFor(latents[i]!.picture.caption, words[b]!));
  const shape = [batchSize, side, side, 4];
  const weight = { shape: [batchSize, 1, 1, 1], data: Float32Array.from(alpha, (a, b) => minSnr(a, sigma[b]!)) };
  return { weight, sample: { shape, data: sample }, noise: { shape, data: noise }, timestep: { shape: [batchSize], data: Float32Array.from(timesteps) }, time_ids: timeIds(batchSize), ...text.ids(captions) };
}

export interface UnetTraining { steps: number; /** weights to begin with instead of random ones */ start?: Map<string, Float32Array>; draw(step: number): Promise<void> }

/** Trains UNet and text encoders; returns all weights under their prefixes. */
export async function trainUnet(executor: Executor, dir: string, text: TextModel, latents: LatentPicture[], scale: number, { steps, start, draw }: UnetTraining): Promise<Record<string, Float32Array>> {
  const shapes = shapesOf(text);
  return pretrain({
    name: 'unet', dir: join(dir, 'unet'), steps, learningRate: 7e-4, warmup: 200, weightDecay: 0.01, emaDecay: 0.999, maxGradNorm: 1, checkpointEvery: 250,
    shapes, unused: (name) => unreadText.test(name), initial: () => start ?? initWeights(shapes, seed),
    inputs: {
      sample: { shape: [batchSize, side, side, 4], dtype: 'float32' }, noise: { shape: [batchSize, side, side, 4], dtype: 'float32' },
      weight: { shape: [batchSize, 1, 1, 1], dtype: 'float32' }, timestep: { shape: [batchSize], dtype: 'float32' }, time_ids: { shape: [batchSize, 6], dtype: 'float32' },
      ids_1: { shape: [batchSize, 77], dtype: 'int32' }, ids_2: { shape: [batchSize, 77], dtype: 'int32' },
    },
    loss: (inputs, w) => {
      const error = tf.square(tf.sub(predict(text, shapes, inputs, w), inputs['noise']!));
      return { loss: tf.mean(tf.mul(error, inputs['weight']!)), metrics: { mse: tf.mean(error) } };
    },
    batch: (step) => batchOf(text, latents, scale, step),
    evaluate: async (step) => { await draw(step); return {}; },
  }, executor);
}
