/** A picture through a VAE and back, so that a person sees what every picture made of its latents must lose. */
import sharp from 'sharp';
import type { Crop, Size } from '../contract/buckets.ts';
import { AppError } from '../contract/errors.ts';
import type { Executor } from './backend/executor.ts';
import { createExecutor, type BackendChoice } from './backend/select.ts';
import { openModel } from './checkpoint/openModel.ts';
import { ModelSource } from './checkpoint/modelSource.ts';
import { openVae } from './checkpoint/openVae.ts';
import { decodeCrop, toBytes, toUnitRange } from './data/decodeImage.ts';
import { latentEncoder } from './data/encodeLatents.ts';
import { decode, parseVaeConfig, vaeFactor, type VaeConfig } from './models/vae.ts';
import { decodeTiled, planTiles } from './models/vaeTiling.ts';
import { writeFileAtomic } from '../files/atomicFile.ts';
import { loadComponent } from './run/baseModel.ts';
import { stateContext } from './run/stateContext.ts';

export interface RoundTripRequest {
  picture: string; background: string;
  /** what training cuts out, px of the upright picture, and the size it is scaled to */
  crop: Crop; bucket: Size;
  /** a base model, or a VAE by itself where `vaeOnly` */
  model: string; vaeOnly: boolean;
  backend: BackendChoice;
  /** PNG to write */
  output: string;
}
/** `psnr`: 10·log10(255² / mean squared error over RGB), dB; null where nothing is lost. `latent`: [height, width, channels]. */
export interface RoundTrip { file: string; width: number; height: number; latent: [number, number, number]; psnr: number | null }

const openOnly = async (path: string): Promise<ModelSource> => {
  const { source, files } = await openVae(path, 'sdxl');
  return new ModelSource({ kind: 'sdxl', path, layout: 'single-file', components: new Map([['vae', source]]), tokenizers: {}, scheduler: {}, ignored: [], metadata: {}, files });
};

/**
 * Cuts the picture as training does, encodes it to the posterior's mean and decodes that, in fp32, and writes the result. Throws image.unreadable,
 * model.*, data.bucket_unaligned.
 */
export async function roundTrip(request: RoundTripRequest, onProgress: (text: string, done: number, total: number) => void): Promise<RoundTrip> {
  const { picture, crop, bucket, background, output } = request, { width, height } = bucket;
  const source = await (request.vaeOnly ? openOnly(request.model) : openModel(request.model, { components: ['vae'] }));
  const executor = await createExecutor({ backend: request.backend, precision: 'fp32' });
  try {
    const vae = parseVaeConfig(source.config('vae')), factor = vaeFactor(vae);
    if (width % factor || height % factor) throw new AppError('data.bucket_unaligned', `${width} × ${height} px is not a multiple of ${factor}, which this VAE needs.`, 'Choose a resolution and bucket step that are.', { width, height, factor });
    const pixels = await decodeCrop(picture, crop, bucket, false, background);
    await loadComponent(executor, source, 'vae', { onProgress: (done, total) => onProgress('Loading the VAE', done, total) });
    onProgress('Encoding', 0, 2);
    const { mean } = await latentEncoder(executor, vae)(toUnitRange(pixels), height, width);
    onProgress('Decoding', 1, 2);
    const decoded = toBytes(await decodeMean(executor, vae, mean));
    writeFileAtomic(output, await sharp(decoded, { raw: { width, height, channels: 3 } }).png({ compressionLevel: 6 }).toBuffer());
    return { file: output, width, height, latent: mean.shape.slice(1) as [number, number, number], psnr: psnr(pixels, decoded) };
  } finally {
    executor.dispose();
    await source.close();
  }
}

/** The picture of one unscaled latent [1,h,w,C]; a large one tile by tile. */
async function decodeMean(executor: Executor, vae: VaeConfig, mean: { shape: number[]; data: Float32Array }): Promise<Float32Array> {
  const [, h, w, c] = mean.shape as [number, number, number, number], tiles = planTiles(vae, h, w);
  const shape = [1, tiles?.height ?? h, tiles?.width ?? w, c];
  executor.define('decode', { latents: { shape, dtype: 'float32' } }, ({ latents }, state) => ({ outputs: { image: decode(stateContext(state, 'vae'), vae, latents!) } }));
  const one = async (latents: { shape: number[]; data: Float32Array | Int32Array }) => (await executor.run('decode', { latents }))['image']!;
  return (tiles ? await decodeTiled(mean, tiles, vaeFactor(vae), one) : await one(mean)).data as Float32Array;
}

/** Peak signal-to-noise ratio of 8-bit values, dB; null for equal ones. */
export function psnr(a: Uint8Array, b: Uint8Array): number | null {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
  return squares === 0 ? null : 10 * Math.log10(255 ** 2 / (squares / a.length));
}
