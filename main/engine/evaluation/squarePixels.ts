/** Pictures at the size that a feature extractor looks at. */
import sharp from 'sharp';
import type { Size } from '../../contract/buckets.ts';
import { toUnitRange } from '../data/decodeImage.ts';

/** Pixels scaled to side × side (Lanczos), −1 … 1. */
export async function squarePixels(pixels: Uint8Array, { width, height }: Size, side: number): Promise<Float32Array> {
  if (width === side && height === side) return toUnitRange(pixels);
  const { data } = await sharp(pixels, { raw: { width, height, channels: 3 } }).resize(side, side, { fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer({ resolveWithObject: true });
  return toUnitRange(new Uint8Array(data));
}
