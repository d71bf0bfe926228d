/** Sharpness and flatness of a picture, measured on its analysis raster (at most 320 px a side). */

/**
 * Variance of the 4-neighbour Laplacian of the luminance (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield
 * microscopy"): low where nothing is in focus. Every second row is looked at. Units: squared grey levels. Pictures under 3 px a side: 0.
 */
export function laplacianVariance(luma: Uint8Array, width: number, height: number): number {
  let sum = 0, squares = 0, n = 0;
  for (let y = 1; y < height - 1; y += 2) {
    n += width - 2;
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
      const v = luma[i - 1]! + luma[i + 1]! + luma[i - width]! + luma[i + width]! - 4 * luma[i]!;
      sum += v; squares += v * v;
    }
  }
  return width < 3 || height < 3 ? 0 : squares / n - (sum / n) ** 2;
}

/** Bytes from one pixel looked at to the next: every seventh pixel is enough for a share. */
const STRIDE = 21;

/** The middle value of one channel of RGB data. */
function median(data: Uint8Array, channel: number): number {
  const counts = new Uint32Array(256);
  for (let p = channel; p < data.length; p += STRIDE) counts[data[p]!]!++;
  let seen = 0, value = 0;
  while (value < 255 && (seen += counts[value]!) * 2 < data.length / STRIDE) value++;
  return value;
}

/** Share of the pixels whose channels all lie within ±10 levels of their medians, 0–1: 1 for a single colour, near 1 for an almost empty picture. */
export function dominantColourShare(data: Uint8Array): number {
  const [r, g, b] = [median(data, 0), median(data, 1), median(data, 2)];
  let n = 0;
  for (let p = 0; p < data.length; p += STRIDE) if (Math.abs(data[p]! - r) <= 10 && Math.abs(data[p + 1]! - g) <= 10 && Math.abs(data[p + 2]! - b) <= 10) n++;
  return data.length === 0 ? 1 : n / Math.ceil(data.length / STRIDE);
}
