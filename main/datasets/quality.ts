/** Sharpness and flatness of a picture, measured on its analysis raster (at most 512 px a side). */

/**
 * Variance of the 4-neighbour Laplacian of the luminance (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield
 * microscopy"): low where nothing is in focus. Units: squared grey levels. Pictures under 3 px a side: 0.
 */
export function laplacianVariance(luma: Uint8Array, width: number, height: number): number {
  let sum = 0, squares = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i++) {
      const v = luma[i - 1]! + luma[i + 1]! + luma[i - width]! + luma[i + width]! - 4 * luma[i]!;
      sum += v; squares += v * v;
    }
  }
  const n = (width - 2) * (height - 2);
  return width < 3 || height < 3 ? 0 : squares / n - (sum / n) ** 2;
}

/**
 * Share of the pixels that lie within ±4 levels (per channel, after rounding to steps of 8) of the commonest colour, 0–1:
 * 1 for a single colour, near 1 for an almost empty picture.
 */
export function dominantColourShare(data: Uint8Array): number {
  const counts = new Uint32Array(32768);
  const n = data.length / 3;
  for (let p = 0; p < data.length; p += 3) {
    const key = ((data[p]! >> 3) << 10) | ((data[p + 1]! >> 3) << 5) | (data[p + 2]! >> 3);
    counts[key] = counts[key]! + 1;
  }
  let most = 0;
  for (const c of counts) if (c > most) most = c;
  return n === 0 ? 1 : most / n;
}

/** Standard deviation of the luminance, grey levels. */
export function lumaDeviation(luma: Uint8Array): number {
  let sum = 0, squares = 0;
  for (const v of luma) { sum += v; squares += v * v; }
  const n = Math.max(luma.length, 1);
  return Math.sqrt(Math.max(squares / n - (sum / n) ** 2, 0));
}
