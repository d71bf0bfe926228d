/** What near-duplicates are compared by: two small thumbs of a picture, whole and trimmed of frames. */
import { THUMB_SIDE } from './descriptor.ts';
import { areaThumb, trimBox, type Raster } from './raster.ts';

/** Bytes of one thumb: 32×32 RGB. */
export const THUMB_BYTES = THUMB_SIDE * THUMB_SIDE * 3;

/** Whole thumb, then trimmed thumb. */
export function signatureOf(raster: Raster): Uint8Array {
  const signature = new Uint8Array(2 * THUMB_BYTES);
  const whole = areaThumb(raster, { x: 0, y: 0, w: raster.width, h: raster.height }, THUMB_SIDE), box = trimBox(raster);
  signature.set(whole);
  signature.set(box.w === raster.width && box.h === raster.height ? whole : areaThumb(raster, box, THUMB_SIDE), THUMB_BYTES);
  return signature;
}
