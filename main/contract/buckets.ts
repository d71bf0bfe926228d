/**
 * Aspect buckets and crops, as kohya's and NovelAI's: sides in steps, areas at most resolution²; a picture goes to the bucket whose shape is
 * nearest (by the logarithm of the ratio), and the largest part with that shape is cut out and scaled to it. Crops are in px of the upright picture.
 */
import type { Bucketing } from './datasetManifest.ts';
import { AppError } from './errors.ts';

export interface Size { width: number; height: number }
export type Crop = [x: number, y: number, width: number, height: number];

export const bucketName = (s: Size): string => `${s.width}x${s.height}`;

/**
 * The buckets' sizes, narrowest first; the square of the resolution is always one. `align` is what the model needs sides to be a multiple
 * of (VAE factor × UNet downsamplings, px), where it is known; the step is raised to it. Throws data.resolution_unaligned.
 */
export function bucketSizes(o: Bucketing, align = 1): Size[] {
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

/** The bucket with the nearest shape, the larger area among equals. */
export function nearestBucket(picture: Size, sizes: readonly Size[]): Size {
  const target = Math.log(picture.width / picture.height);
  const distance = (s: Size): number => Math.abs(Math.log(s.width / s.height) - target);
  return sizes.reduce((best, s) => {
    const d = distance(s) - distance(best);
    return d < -1e-9 || (d < 1e-9 && s.width * s.height > best.width * best.height) ? s : best;
  });
}

/** The largest part of the picture with the bucket's shape. */
export function cropSize(picture: Size, bucket: Size): Size {
  const scale = Math.min(picture.width / bucket.width, picture.height / bucket.height);
  return { width: Math.max(1, Math.min(picture.width, Math.round(bucket.width * scale))), height: Math.max(1, Math.min(picture.height, Math.round(bucket.height * scale))) };
}

/** That part from the middle of the picture. */
export function centreCrop(picture: Size, bucket: Size): Crop {
  const { width, height } = cropSize(picture, bucket);
  return [Math.floor((picture.width - width) / 2), Math.floor((picture.height - height) / 2), width, height];
}
