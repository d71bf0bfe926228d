/**
 * Pictures from files to pixels, by the recipe of contract/datasetManifest.ts: EXIF orientation applied, embedded ICC profile
 * converted to sRGB, transparency laid on the background, the crop cut out and scaled to its bucket.
 */
import sharp from 'sharp';
import { AppError } from '../../contract/errors.ts';
import type { Crop, Size } from '../../contract/buckets.ts';

sharp.cache(false);
const limitInputPixels = 256e6;

/** The size of a picture as it is seen, after EXIF orientation. Throws image.unreadable. */
export async function imageSize(path: string): Promise<Size> {
  try {
    const { autoOrient } = await sharp(path, { limitInputPixels }).metadata();
    return { width: autoOrient.width, height: autoOrient.height };
  } catch (error) { throw unreadable(path, error); }
}

/** Decodes one crop to RGB bytes, [height, width, 3] row-major, mirrored where `flip`. Throws image.unreadable (also for files that end too early). */
export async function decodeCrop(path: string, crop: Crop, bucket: Size, flip: boolean, background = '#ffffff'): Promise<Uint8Array> {
  const [left, top, width, height] = crop;
  try {
    const pixels = await sharp(path, { failOn: 'error', limitInputPixels }).autoOrient().toColourspace('srgb').flatten({ background })
      .extract({ left, top, width, height }).resize(bucket.width, bucket.height, { fit: 'fill', kernel: 'lanczos3' })
      .raw({ depth: 'uchar' }).toBuffer();
    if (pixels.length !== bucket.width * bucket.height * 3) throw new Error(`it has ${pixels.length / bucket.width / bucket.height} channels`);
    return flip ? mirrored(pixels, bucket) : new Uint8Array(pixels);
  } catch (error) { throw unreadable(path, error); }
}

/** Left and right exchanged. pixels [height, width, 3]. */
function mirrored(pixels: Uint8Array, { width, height }: Size): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3, to = (y * width + width - 1 - x) * 3;
      out[to] = pixels[from]!; out[to + 1] = pixels[from + 1]!; out[to + 2] = pixels[from + 2]!;
    }
  }
  return out;
}

/** Bytes 0..255 as the VAE takes them, -1..1. */
export function toUnitRange(pixels: Uint8Array): Float32Array {
  const out = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) out[i] = pixels[i]! / 127.5 - 1;
  return out;
}

/** The inverse, rounded and clamped. */
export function toBytes(values: Float32Array): Uint8Array {
  const out = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) out[i] = (values[i]! + 1) * 127.5;
  return new Uint8Array(out.buffer);
}

const unreadable = (path: string, error: unknown): AppError => new AppError('image.unreadable',
  `${path} cannot be read as a picture: ${(error as Error).message}`, 'Open it in another program and save it again, or take it out of the data set.', { path });
