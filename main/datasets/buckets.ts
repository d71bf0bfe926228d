/**
 * Aspect buckets and crops, as kohya's and NovelAI's: sides in steps, areas at most resolution²; a picture goes to the bucket
 * whose shape is nearest (by the logarithm of the ratio), and the largest part with that shape is cut out.
 */
import type { Bucketing } from '../contract/datasetManifest.ts';

export interface Size { width: number; height: number }
export type Crop = [x: number, y: number, width: number, height: number];

/** All bucket sizes, narrowest first. The square of the resolution is always one. */
export function bucketSizes(o: Bucketing): Size[] {
  const square = { width: o.resolution, height: o.resolution };
  if (!o.buckets) return [square];
  const step = o.bucket_step;
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

/** The bucket with the nearest shape, the larger area among equals. */
export function nearestBucket(picture: Size, sizes: readonly Size[]): Size {
  const target = Math.log(picture.width / picture.height);
  const distance = (s: Size): number => Math.abs(Math.log(s.width / s.height) - target);
  return sizes.reduce((best, s) => {
    const d = distance(s) - distance(best);
    return d < -1e-9 || (d < 1e-9 && s.width * s.height > best.width * best.height) ? s : best;
  });
}

/** The largest part of the picture with the bucket's shape, px of the upright picture. */
export function cropSize(picture: Size, bucket: Size): Size {
  const scale = Math.min(picture.width / bucket.width, picture.height / bucket.height);
  return { width: Math.max(1, Math.min(picture.width, Math.round(bucket.width * scale))), height: Math.max(1, Math.min(picture.height, Math.round(bucket.height * scale))) };
}

/** Where a person wants the crop: its centre as a share of the picture, 0–1. Kept like this, it survives other bucket settings. */
export interface CropPlace { cx: number; cy: number }

/** The crop with its centre at `place` (the middle by default), moved inside the picture. */
export function cropAt(picture: Size, bucket: Size, place: CropPlace | null): Crop {
  const { width, height } = cropSize(picture, bucket);
  if (!place) return [Math.floor((picture.width - width) / 2), Math.floor((picture.height - height) / 2), width, height];
  const inside = (centre: number, size: number, limit: number) => Math.min(Math.max(Math.round(centre - size / 2), 0), limit - size);
  return [inside(place.cx * picture.width, width, picture.width), inside(place.cy * picture.height, height, picture.height), width, height];
}

/** Share of the picture that the crop cuts away, 0–1. */
export const cutAway = (picture: Size, crop: Crop): number => 1 - (crop[2] * crop[3]) / (picture.width * picture.height);

/** True when the crop would have to be enlarged to fill its bucket. */
export const needsEnlarging = (crop: Crop, bucket: Size): boolean => crop[2] < bucket.width || crop[3] < bucket.height;
