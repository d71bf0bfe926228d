/** What the UNet learns from: posteriors of the named pictures and of slightly moved, scaled and mirrored copies, with their captions' tokens. */
import sharp from 'sharp';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { imageSize } from './configs.ts';
import type { DrawnPicture } from './images.ts';
import { toFloats } from './vae.ts';

type Variant = { mirror: boolean; scale: number; dx: number; dy: number };
/** The picture itself first. */
const variants: Variant[] = [
  { mirror: false, scale: 1, dx: 0, dy: 0 }, { mirror: true, scale: 1, dx: 0, dy: 0 }, { mirror: false, scale: 0.88, dx: 2, dy: -2 },
  { mirror: true, scale: 0.94, dx: -2, dy: 2 }, { mirror: false, scale: 1, dx: -3, dy: 2 }, { mirror: false, scale: 1, dx: 3, dy: -3 },
];
const white = { r: 255, g: 255, b: 255 };
const raw = { width: imageSize, height: imageSize, channels: 3 as const };

async function varied(rgb: Uint8Array, v: Variant): Promise<Uint8Array> {
  const inner = Math.round(imageSize * v.scale);
  const small = await sharp(rgb, { raw }).flop(v.mirror).resize(inner, inner).extend({ top: 16, bottom: 16, left: 16, right: 16, background: white }).raw().toBuffer();
  const start = Math.round((inner + 32 - imageSize) / 2);
  return sharp(small, { raw: { width: inner + 32, height: inner + 32, channels: 3 } })
    .extract({ left: start - v.dx, top: start - v.dy, width: imageSize, height: imageSize }).raw().toBuffer();
}

/** Posterior of one picture: mean and standard deviation, [side, side, 4] each, unscaled. */
export interface PosteriorData { mean: Float32Array; std: Float32Array }
export interface LatentPicture { picture: DrawnPicture; posteriors: PosteriorData[] }

const batch = 20;
/** Encodes every variant of every picture with `vae_encode_20`. */
export async function encodePictures(executor: Executor, pictures: DrawnPicture[]): Promise<LatentPicture[]> {
  const all = (await Promise.all(pictures.map((p) => Promise.all(variants.map((v) => varied(p.rgb, v)))))).flat();
  const posteriors: PosteriorData[] = [];
  for (let i = 0; i < all.length; i += batch) {
    const part = all.slice(i, i + batch);
    const padded = [...part, ...Array<Uint8Array>(batch - part.length).fill(part[0]!)];
    const { mean, logvar } = await executor.run('vae_encode_20', { image: toFloats(padded) });
    const n = mean!.data.length / batch;
    part.forEach((_, j) => posteriors.push({
      mean: Float32Array.from(mean!.data.subarray(j * n, (j + 1) * n)),
      std: Float32Array.from(logvar!.data.subarray(j * n, (j + 1) * n), (x) => Math.exp(x / 2)),
    }));
  }
  return pictures.map((picture, i) => ({ picture, posteriors: posteriors.slice(i * variants.length, (i + 1) * variants.length) }));
}

/** 1 / standard deviation of all latents: the VAE's scaling_factor (Rombach et al. 2022, appendix G). */
export function scalingFactor(latents: LatentPicture[]): number {
  let n = 0, sum = 0, squares = 0;
  for (const { posteriors } of latents) {
    for (const { mean, std } of posteriors) mean.forEach((m, i) => { n++; sum += m; squares += m * m + std[i]! ** 2; });
  }
  return 1 / Math.sqrt(squares / n - (sum / n) ** 2);
}
