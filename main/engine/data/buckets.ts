/** What the engine does with a picture's bucket and crop: random crops, what is too small, and SDXL's micro-conditioning. */
import { bucketName, centreCrop, type Crop, type Size } from '../../contract/buckets.ts';
import type { ManifestItem } from '../../contract/datasetManifest.ts';

/** The item's crop moved to a place given by u, v in [0,1) (random crop). */
export function movedCrop(item: Pick<ManifestItem, 'crop' | 'width' | 'height'>, u: number, v: number): Crop {
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
export function timeIds(item: Pick<ManifestItem, 'width' | 'height' | 'bucket'>, crop: Crop, flip: boolean): number[] {
  const [x, y, width, height] = crop, [bucketWidth, bucketHeight] = item.bucket;
  const left = flip ? item.width - x - width : x;
  return [item.height, item.width, Math.round(y * bucketHeight / height), Math.round(left * bucketWidth / width), bucketHeight, bucketWidth];
}
