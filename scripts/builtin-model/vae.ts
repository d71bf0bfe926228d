/** The built-in model's VAE: trained on every emoji of the base styles but 200, which then measure it. */
import { join } from 'node:path';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import type { Executor, HostTensor } from '../../main/engine/backend/executor.ts';
import type { ModelContext } from '../../main/engine/models/context.ts';
import { initWeights } from '../../main/engine/models/init.ts';
import { integers, normal } from '../../main/engine/random.ts';
import { decode, encode, parseVaeConfig, vaeWeightShapes } from '../../main/engine/models/vae.ts';
import { imageSize, vaeConfig } from './configs.ts';
import { pretrain } from './pretrain.ts';

const batchSize = 8;
const seed = 1;
/** Per latent value, on its mean: enough to keep latents compact, too little to blur. */
const klWeight = 1e-4;
export const vae = parseVaeConfig(vaeConfig);
const shapes = vaeWeightShapes(vae);
const contextOf = (w: (name: string) => Tensor): ModelContext => ({ w, has: (name) => name in shapes });

/** Mean absolute difference of horizontal and vertical neighbours' differences: keeps edges sharp (Mathieu et al. 2016). */
function gradientDifference(x: Tensor, y: Tensor): Tensor {
  const d = tf.sub(x, y);
  const [n, h, w, c] = d.shape as [number, number, number, number];
  const dx = tf.sub(tf.slice(d, [0, 0, 1, 0], [n, h, w - 1, c]), tf.slice(d, [0, 0, 0, 0], [n, h, w - 1, c]));
  const dy = tf.sub(tf.slice(d, [0, 1, 0, 0], [n, h - 1, w, c]), tf.slice(d, [0, 0, 0, 0], [n, h - 1, w, c]));
  return tf.add(tf.mean(tf.abs(dx)), tf.mean(tf.abs(dy)));
}

function loss(inputs: Record<string, Tensor>, w: (name: string) => Tensor) {
  const ctx = contextOf(w);
  const image = inputs['image']!;
  const { mean, logvar } = encode(ctx, vae, image);
  const z = tf.add(mean, tf.mul(tf.exp(tf.mul(logvar, 0.5)), inputs['noise']!));
  const out = decode(ctx, vae, z);
  const mse = tf.mean(tf.square(tf.sub(out, image)));
  const l1 = tf.mean(tf.abs(tf.sub(out, image)));
  const edges = gradientDifference(out, image);
  const kl = tf.mean(tf.mul(tf.sub(tf.add(tf.square(mean), tf.exp(logvar)), tf.add(logvar, 1)), 0.5));
  const sum = tf.add(tf.add(l1, mse), tf.add(tf.mul(edges, 0.5), tf.mul(kl, klWeight)));
  return { loss: sum, metrics: { mse, l1, edges, kl } };
}

/** Peak signal-to-noise ratio over all pictures, in dB, for values in −1..1: 10·log10(4 / MSE). */
export const psnr = (mse: number): number => 10 * Math.log10(4 / mse);

/** Pictures as floats in −1..1, [N, size, size, 3]. */
export function toFloats(pictures: Uint8Array[]): HostTensor {
  const data = new Float32Array(pictures.length * imageSize * imageSize * 3);
  pictures.forEach((p, i) => p.forEach((v, j) => { data[i * p.length + j] = v / 127.5 - 1; }));
  return { shape: [pictures.length, imageSize, imageSize, 3], data };
}

/** Functions on the averaged weights: encode to mean and log-variance, decode. `prefix` is the variables' prefix. */
export function defineVaeFunctions(executor: Executor, n: number, prefix: string): void {
  const side = imageSize / 8;
  const at = (state: { get(name: string): Tensor }): ModelContext => contextOf((name) => state.get(prefix + name));
  executor.define(`vae_encode_${n}`, { image: { shape: [n, imageSize, imageSize, 3], dtype: 'float32' } }, ({ image }, state) => ({ outputs: { ...encode(at(state), vae, image!) } }));
  executor.define(`vae_decode_${n}`, { z: { shape: [n, side, side, 4], dtype: 'float32' } }, ({ z }, state) => ({ outputs: { image: decode(at(state), vae, z!) } }));
}

async function reconstructionMse(executor: Executor, pictures: Uint8Array[]): Promise<number> {
  let sum = 0;
  for (let i = 0; i + 20 <= pictures.length; i += 20) {
    const image = toFloats(pictures.slice(i, i + 20));
    const { mean } = await executor.run('vae_encode_20', { image });
    const { image: out } = await executor.run('vae_decode_20', { z: mean! });
    image.data.forEach((v, j) => { sum += (Math.max(-1, Math.min(1, out!.data[j]!)) - v) ** 2 / image.data.length; });
  }
  return sum / Math.floor(pictures.length / 20);
}

/** Decoder weights; everything else makes latents, which must not change any more once the UNet learns from them. */
const decodes = (name: string): boolean => name.startsWith('decoder.');

/**
 * post_quant_conv as part of the decoder's first convolution, itself the identity then: LPL feeds latents straight into the decoder.
 * The same decoder but for its border, where the padding stands for other latents than before: to be polished.
 */
export function foldPostQuant(weights: Map<string, Float32Array>): Map<string, Float32Array> {
  const mix = weights.get('post_quant_conv.weight')!, shift = weights.get('post_quant_conv.bias')!, kernel = weights.get('decoder.conv_in.weight')!;
  const channels = shift.length, out = kernel.length / channels / 9;
  const folded = new Float32Array(kernel.length), bias = Float32Array.from(weights.get('decoder.conv_in.bias')!);
  for (let tap = 0; tap < 9; tap++) for (let k = 0; k < channels; k++) for (let o = 0; o < out; o++) {
    const v = kernel[(tap * channels + k) * out + o]!;
    bias[o]! += v * shift[k]!;
    for (let c = 0; c < channels; c++) folded[(tap * channels + c) * out + o]! += mix[c * channels + k]! * v;
  }
  const identity = Float32Array.from({ length: channels * channels }, (_, i) => Number(i % (channels + 1) === 0));
  return new Map([...weights, ['decoder.conv_in.weight', folded], ['decoder.conv_in.bias', bias], ['post_quant_conv.weight', identity], ['post_quant_conv.bias', new Float32Array(channels)]]);
}

function mse(inputs: Record<string, Tensor>, w: (name: string) => Tensor) {
  const ctx = contextOf(w);
  const { mean, logvar } = encode(ctx, vae, inputs['image']!);
  const z = tf.add(mean, tf.mul(tf.exp(tf.mul(logvar, 0.5)), inputs['noise']!));
  return { loss: tf.mean(tf.square(tf.sub(decode(ctx, vae, z), inputs['image']!))), metrics: {} };
}

const common = (executor: Executor, training: Uint8Array[], validation: Uint8Array[], stream: number) => ({
  weightDecay: 1e-4, emaDecay: 0.999, maxGradNorm: 1, checkpointEvery: 250, shapes,
  inputs: { image: { shape: [batchSize, imageSize, imageSize, 3], dtype: 'float32' as const }, noise: { shape: [batchSize, imageSize / 8, imageSize / 8, 4], dtype: 'float32' as const } },
  batch: (step: number) => ({
    image: toFloats([...integers({ seed: stream, stream: 'order', step }, batchSize, 0, training.length)].map((i) => training[i]!)),
    noise: { shape: [batchSize, imageSize / 8, imageSize / 8, 4], data: normal({ seed: stream, stream: 'posterior', step }, batchSize * (imageSize / 8) ** 2 * 4) },
  }),
  evaluate: async () => ({ held_out_psnr_db: Number(psnr(await reconstructionMse(executor, validation)).toFixed(3)) }),
});

/** Polishes the decoder alone, post_quant_conv folded into it, on mean squared error, which is what PSNR measures; latents stay as they are. */
export async function polishDecoder(executor: Executor, dir: string, start: Map<string, Float32Array>, training: Uint8Array[], validation: Uint8Array[], steps: number): Promise<void> {
  defineVaeFunctions(executor, 20, 'e/');
  await pretrain({ ...common(executor, training, validation, seed + 1), name: 'decoder', dir: join(dir, 'decoder'), steps, learningRate: 4e-4, warmup: 50, unused: (n) => !decodes(n), initial: () => foldPostQuant(start), loss: mse }, executor);
}

/** Trains the VAE; returns its weights by diffusers name, in tfjs layout. */
export async function trainVae(executor: Executor, dir: string, training: Uint8Array[], validation: Uint8Array[], steps: number): Promise<Record<string, Float32Array>> {
  defineVaeFunctions(executor, 20, 'e/');
  return pretrain({ ...common(executor, training, validation, seed), name: 'vae', dir: join(dir, 'vae'), steps, learningRate: 1e-3, warmup: 100, initial: () => initWeights(shapes, seed), loss }, executor);
}
