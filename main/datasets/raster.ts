/** Small pictures in memory (8-bit RGB, row by row) and what the analysis needs of them: luminance, trimming, area averages. */

export interface Raster { width: number; height: number; /** RGB, width·height·3 bytes */ data: Uint8Array }
/** Pixel rectangle: x, y, width, height. */
export interface Box { x: number; y: number; w: number; h: number }

/** Rec. 601 luma, 0–255, as a plane of width·height; into `out` where it is large enough. */
export function luminance({ width, height, data }: Raster, out = new Uint8Array(width * height)): Uint8Array {
  for (let i = 0, p = 0; i < width * height; i++, p += 3) out[i] = (77 * data[p]! + 150 * data[p + 1]! + 29 * data[p + 2]! + 128) >> 8;
  return out;
}

/** How far a channel may stray from a border's own colour: JPEG ringing stays within it, drawings do not. */
const TRIM_TOLERANCE = 14;

/** Whether a row (or column) of `n` pixels from offset `start`, `stride` bytes apart, keeps to its mean colour. */
function isUniform(data: Uint8Array, start: number, stride: number, n: number): boolean {
  let r = 0, g = 0, b = 0;
  const [r0, g0, b0] = [data[start]!, data[start + 1]!, data[start + 2]!];
  for (let i = 0, p = start; i < n; i++, p += stride) {
    const x = data[p]!, y = data[p + 1]!, z = data[p + 2]!;
    // two pixels farther apart than twice the tolerance cannot both be near the mean
    if (Math.abs(x - r0) > 2 * TRIM_TOLERANCE || Math.abs(y - g0) > 2 * TRIM_TOLERANCE || Math.abs(z - b0) > 2 * TRIM_TOLERANCE) return false;
    r += x; g += y; b += z;
  }
  r /= n; g /= n; b /= n;
  for (let i = 0, p = start; i < n; i++, p += stride) {
    if (Math.abs(data[p]! - r) > TRIM_TOLERANCE || Math.abs(data[p + 1]! - g) > TRIM_TOLERANCE || Math.abs(data[p + 2]! - b) > TRIM_TOLERANCE) return false;
  }
  return true;
}

/**
 * The box left after cutting uniform rows and columns off all sides: frames, and the margin inside a frame.
 * A picture of one colour keeps its full box.
 */
export function trimBox({ width, height, data }: Raster): Box {
  const box = { x: 0, y: 0, w: width, h: height };
  const row = (y: number) => isUniform(data, (y * width + box.x) * 3, 3, box.w);
  const column = (x: number) => isUniform(data, (box.y * width + x) * 3, width * 3, box.h);
  for (let cut = true; cut;) {
    cut = false;
    while (box.h > 1 && row(box.y)) { box.y++; box.h--; cut = true; }
    while (box.h > 1 && row(box.y + box.h - 1)) { box.h--; cut = true; }
    while (box.w > 1 && column(box.x)) { box.x++; box.w--; cut = true; }
    while (box.w > 1 && column(box.x + box.w - 1)) { box.w--; cut = true; }
  }
  return box.w * box.h < 16 || box.w < 4 || box.h < 4 ? { x: 0, y: 0, w: width, h: height } : box;
}

/**
 * Area average along one axis: output cell i of n covers [from + i·size/n, from + (i+1)·size/n); its pixels, `step` apart, and their shares lie flat.
 * Cells of many pixels are averaged over some of them: four to a side are enough for a thumb.
 */
interface Spans { step: number; first: Int32Array; /** where cell i's weights begin; one more than cells */ at: Int32Array; weights: Float32Array }

function spans(from: number, size: number, n: number): Spans {
  const first = new Int32Array(n), at = new Int32Array(n + 1), weights: number[] = [], step = Math.max(1, Math.floor(size / n / 4));
  for (let i = 0; i < n; i++) {
    const a = from + (i * size) / n, b = from + ((i + 1) * size) / n;
    first[i] = Math.floor(a);
    let sum = 0;
    for (let p = first[i]!; p < b; p += step) { const w = Math.max(Math.min(b, p + 1) - Math.max(a, p), 0); weights.push(w); sum += w; }
    for (let k = at[i]!; k < weights.length; k++) weights[k]! /= sum;
    at[i + 1] = weights.length;
  }
  return { step, first, at, weights: Float32Array.from(weights) };
}

/** `box` of the picture stretched to n×n by area averages, RGB. */
export function areaThumb({ width, data }: Raster, box: Box, n: number): Uint8Array {
  const columns = spans(box.x, box.w, n), rows = spans(box.y, box.h, n);
  const sums = new Float32Array(n * 3);
  const out = new Uint8Array(n * n * 3);
  for (let j = 0; j < n; j++) {
    sums.fill(0);
    for (let k = rows.at[j]!; k < rows.at[j + 1]!; k++) addRow(data, (rows.first[j]! + (k - rows.at[j]!) * rows.step) * width, columns, rows.weights[k]!, sums);
    for (let i = 0; i < n * 3; i++) out[j * n * 3 + i] = Math.round(sums[i]!);
  }
  return out;
}

function addRow(data: Uint8Array, rowStart: number, { step, first, at, weights }: Spans, weight: number, sums: Float32Array): void {
  for (let i = 0, o = 0; i < first.length; i++, o += 3) {
    let r = 0, g = 0, b = 0;
    for (let k = at[i]!, end = at[i + 1]!, p = (rowStart + first[i]!) * 3; k < end; k++, p += 3 * step) {
      const w = weights[k]!;
      r += w * data[p]!; g += w * data[p + 1]!; b += w * data[p + 2]!;
    }
    sums[o]! += weight * r; sums[o + 1]! += weight * g; sums[o + 2]! += weight * b;
  }
}
