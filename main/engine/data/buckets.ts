/**
 * Aspect buckets and crops, as kohya's and NovelAI's: every picture goes to the bucket whose shape is nearest to its own, and
 * the largest part with the bucket's shape is cut out and scaled to it. Crops are in px of the upright picture.
 */
import { AppError } from '../../contract/errors.ts';
import type { Bucketing, ManifestItem } from '../../contract/datasetManifest.ts';

export interface Size { width: number; height: number }
export type CropBox = [x: number, y: number, width: number, height: number];

/**
 * The buckets' sizes: sides are multiples of the step, areas at most resolution². `align` is what the model needs sides to be a
 * multiple of (VAE factor × UNet downsamplings, px); the step is raised to it. Throws data.resolution_unaligned.
 */
export function bucketSizes(o: Bucketing, align: number): Size[] {
  if (o.resolution % align !== 0) {
    throw new AppError('data.resolution_unaligned', `Resolution ${o.resolution} is not a multiple of ${align}, which this model needs.`, `Choose ${Math.max(align, Math.round(o.resolution / align) * align)}.`);
  }
  const square = { width: o.resolution, height: o.resolution };
  if (!o.buckets) return [square];
  const step = Math.ceil(o.bucket_step / align) * align;
  const lowest = Math.ceil(Math.min(o.min_bucket_side, o.resolution) / step) * step;
  const sizes = new Map([[bucketName(square), square]]);
  for (let width = lowest; width <= o.max_bucket_side; width += step) {
    const height = Math.min(Math.floor(o.resolution ** 2 / width / step) * step, Math.floor(o.max_bucket_side / step) * step);
    if (height < lowest) break;
    for (const s of [{ width, height }, { width: height, height: width }]) sizes.set(bucketName(s), s);
  }
  return [...sizes.values()].sort((a, b) => a.width / a.height - b.width / b.height);
}

export const bucketName = (s: Size): string => `${s.width}x${s.height}`;

/** The bucket whose aspect ratio is nearest (by its logarithm), the larger area among equals. */
export function nearestBucket(picture: Size, sizes: readonly Size[]): Size {
  const target = Math.log(picture.width / picture.height);
  const distance = (s: Size): number => Math.abs(Math.log(s.width / s.height) - target);
  return sizes.reduce((best, s) => {
    const d = distance(s) - distance(best);
    return d < -1e-9 || (d < 1e-9 && s.width * s.height > best.width * best.height) ? s : best;
  });
}

/** The largest centred part of the picture with the bucket's shape. */
export function centreCrop(picture: Size, bucket: Size): CropBox {
  const scale = Math.min(picture.width / bucket.width, picture.height / bucket.height);
  const width = Math.max(1, Math.min(picture.width, Math.round(bucket.width * scale)));
  const height = Math.max(1, Math.min(picture.height, Math.round(bucket.height * scale)));
  return [Math.floor((picture.width - width) / 2), Math.floor((picture.height - height) / 2), width, height];
}

/** The item's crop moved to a place given by u, v in [0,1) (random crop). */
export function movedCrop(item: Pick<ManifestItem, 'crop' | 'width' | 'height'>, u: number, v: number): CropBox {
  const [, , width, height] = item.crop;
  return [Math.floor(u * (item.width - width + 1)), Math.floor(v * (item.height - height + 1)), width, height];
}

/** Why a picture cannot be used in its bucket, or null. */
export function tooSmall(picture: Size, bucket: Size, upscale: boolean): string | null {
  const [, , width, height] = centreCrop(picture, bucket);
  if (upscale || (width >= bucket.width && height >= bucket.height)) return null;
  return `${bucketName(picture)} px is smaller than its bucket ${bucketName(bucket)}: allow "Enlarge small pictures" or lower the resolution to use it`;
}

/**
 * SDXL's micro-conditioning (Podell et al. 2023, 2.2): [original height, width, crop top, left, target height, width]; the crop's
 * corner is counted in the scaled, and where `flip`, mirrored picture, as in diffusers' script.
 */
export function timeIds(item: Pick<ManifestItem, 'width' | 'height' | 'bucket'>, crop: CropBox, flip: boolean): number[] {
  const [x, y, width, height] = crop, [bucketWidth, bucketHeight] = item.bucket;
  const left = flip ? item.width - x - width : x;
  return [item.height, item.width, Math.round(y * bucketHeight / height), Math.round(left * bucketWidth / width), bucketHeight, bucketWidth];
}
