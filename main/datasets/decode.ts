/** Opening pictures the way training will see them: upright, in sRGB, without alpha. */
import sharp, { type Sharp } from 'sharp';

/** More pixels than this are refused before anything is decoded (decompression bombs): 16,000 × 16,000. */
export const MAX_PIXELS = 256_000_000;
/** Larger files are listed with a reason instead of being read. */
export const MAX_FILE_BYTES = 512 * 1024 * 1024;

sharp.cache(false);

/**
 * The decoding recipe of contract/datasetManifest.ts as a sharp pipeline: first frame, EXIF orientation applied, embedded
 * profile converted to sRGB, alpha flattened on `background` ("#rrggbb"): hidden colour never shows. Truncated and corrupt data throw.
 */
export function openUpright(input: Buffer | string, background: string): Sharp {
  return sharp(input, { failOn: 'error', limitInputPixels: MAX_PIXELS }).autoOrient().flatten({ background }).toColourspace('srgb');
}

/** True when this build of libvips reads HEIC (HEVC): the prebuilt one reads AVIF only. */
export function readsHeic(): boolean {
  return (sharp.format.heif?.input.fileSuffix ?? []).includes('.heic');
}
