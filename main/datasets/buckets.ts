/** Where a crop lies that a person has moved, and what it costs the picture. */
import { centreCrop, cropSize, type Crop, type Size } from '../contract/buckets.ts';

/** Where a person wants the crop: its centre as a share of the picture, 0–1. Kept like this, it survives other bucket settings. */
export interface CropPlace { cx: number; cy: number }

/** The crop with its centre at `place` (the middle by default), moved inside the picture. */
export function cropAt(picture: Size, bucket: Size, place: CropPlace | null): Crop {
  if (!place) return centreCrop(picture, bucket);
  const { width, height } = cropSize(picture, bucket);
  const inside = (centre: number, size: number, limit: number) => Math.min(Math.max(Math.round(centre - size / 2), 0), limit - size);
  return [inside(place.cx * picture.width, width, picture.width), inside(place.cy * picture.height, height, picture.height), width, height];
}

/** Share of the picture that the crop cuts away, 0–1. */
export const cutAway = (picture: Size, crop: Crop): number => 1 - (crop[2] * crop[3]) / (picture.width * picture.height);

/** True when the crop would have to be enlarged to fill its bucket. */
export const needsEnlarging = (crop: Crop, bucket: Size): boolean => crop[2] < bucket.width || crop[3] < bucket.height;
