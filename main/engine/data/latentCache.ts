/**
 * Latents of pictures: mean and log-variance of the VAE's posterior, kept per (content, VAE, bucket, crop, flip), so that
 * posteriors can still be sampled anew in every step (Kingma & Welling 2014).
 */
import { normal } from '../random.ts';
import type { ManifestItem } from '../../contract/datasetManifest.ts';
import { cacheKey, type CachedTensors, type TensorCache } from './tensorCache.ts';
import { decodeCrop, toUnitRange } from './decodeImage.ts';
import type { Crop } from '../../contract/buckets.ts';

/** One picture as it is trained. */
export interface View { item: ManifestItem; crop: Crop; flip: boolean }
/** Pixels [1,H,W,3] in −1..1 -> posterior mean and log-variance, each [1,h,w,C]. */
export type Encode = (pixels: Float32Array, height: number, width: number) => Promise<{ mean: Posterior; logvar: Posterior }>;
type Posterior = { shape: number[]; data: Float32Array };

export interface LatentSource {
  isCached(view: View): boolean;
  /** { mean, logvar } of the view. Throws image.unreadable, image.changed. */
  posterior(view: View): Promise<CachedTensors>;
}

export function latentSource(cache: TensorCache, vaeHash: string, background: string, encode: Encode): LatentSource {
  const key = (v: View): string => cacheKey('latent', 1, vaeHash, v.item.contentHash, ...v.item.bucket, ...v.crop, v.flip, background);
  return {
    isCached: (view) => cache.has(key(view)),
    posterior: (view) => cache.get(key(view), async () => {
      const [width, height] = view.item.bucket;
      const pixels = await decodeCrop(view.item.file, view.crop, { width, height }, view.flip, background);
      return encode(toUnitRange(pixels), height, width);
    }),
  };
}

/** How latents are scaled for the diffusion model: (z − shift)·scale. */
export interface LatentScale { scaling_factor: number; shift_factor: number }

/** A scaled latent from the posterior: its mean, or a sample mean + exp(logvar/2)·ε with ε drawn by (seed, step, sample). */
export function drawLatent(posterior: CachedTensors, { scaling_factor, shift_factor }: LatentScale, draw: { seed: number; step: number; sample: number } | 'mean'): Float32Array {
  const mean = posterior['mean']!.data, logvar = posterior['logvar']!.data;
  const noise = draw === 'mean' ? undefined : normal({ ...draw, stream: 'posterior' }, mean.length);
  const z = new Float32Array(mean.length);
  for (let i = 0; i < z.length; i++) z[i] = (mean[i]! + (noise ? Math.exp(0.5 * logvar[i]!) * noise[i]! : 0) - shift_factor) * scaling_factor;
  return z;
}
