/** Small pictures in memory (8-bit RGB, row by row) and what the analysis needs of them: luminance, trimming, area averages. */

export interface Raster { width: number; height: number; /** RGB, width·height·3 bytes */ data: Uint8Array }
/** Pixel rectangle: x, y, width, height. */
export interface Box { x: number; y: number; w: number; h: number }

/** Rec. 601 luma, 0–255, as a plane of width·height. */
export function luminance({ width, height, data }: Raster): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < out.length; i++, p += 3) out[i] = (77 * data[p]! + 150 * data[p + 1]! + 29 * data[p + 2]! + 128) >> 8;
  return out;
}

/** How far a channel may stray from a border's own colour: JPEG ringing stays within it, drawings do not. */
const TRIM_TOLERANCE = 14;

/** A row (or column) of `n` pixels from offset `start`, `stride` bytes apart: its mean colour if it is of one colour, else undefined. */
function uniformColour(data: Uint8Array, start: number, stride: number, n: number): [number, number, number] | undefined {
  let r = 0, g = 0, b = 0;
  for (let i = 0, p = start; i < n; i++, p += stride) { r += data[p]!; g += data[p + 1]!; b += data[p + 2]!; }
  r /= n; g /= n; b /= n;
  for (let i = 0, p = start; i < n; i++, p += stride) {
    if (Math.abs(data[p]! - r) > TRIM_TOLERANCE || Math.abs(data[p + 1]! - g) > TRIM_TOLERANCE || Math.abs(data[p + 2]! - b) > TRIM_TOLERANCE) return undefined;
  }
  return [r, g, b];
}

/**
 * The box left after cutting uniform rows and columns off all sides: frames, and the margin inside a frame.
 * A picture of one colour keeps its full box.
 */
export function trimBox({ width, height, data }: Raster): Box {
  const box = { x: 0, y: 0, w: width, h: height };
  const row = (y: number) => uniformColour(data, (y * width + box.x) * 3, 3, box.w);
  const column = (x: number) => uniformColour(data, (box.y * width + x) * 3, width * 3, box.h);
  for (let cut = true; cut;) {
    cut = false;
    while (box.h > 1 && row(box.y)) { box.y++; box.h--; cut = true; }
    while (box.h > 1 && row(box.y + box.h - 1)) { box.h--; cut = true; }
    while (box.w > 1 && column(box.x)) { box.x++; box.w--; cut = true; }
    while (box.w > 1 && column(box.x + box.w - 1)) { box.w--; cut = true; }
  }
  return box.w * box.h < 16 || box.w < 4 || box.h < 4 ? { x: 0, y: 0, w: width, h: height } : box;
}

/** Bounds and weights of an area average: output cell i of n covers [from + i·size/n, from + (i+1)·size/n). */
function spans(from: number, size: number, n: number): { first: number; weights: Float32Array }[] {
  return Array.from({ length: n }, (_, i) => {
    const a = from + (i * size) / n, b = from + ((i + 1) * size) / n;
    const first = Math.floor(a), last = Math.max(first, Math.ceil(b) - 1);
    const weights = new Float32Array(last - first + 1);
    for (let p = first; p <= last; p++) weights[p - first] = Math.max(Math.min(b, p + 1) - Math.max(a, p), 0) / (b - a);
    return { first, weights };
  });
}

/** `box` of the picture stretched to n×n by area averages, RGB. */
export function areaThumb({ width, data }: Raster, box: Box, n: number): Uint8Array {
  const columns = spans(box.x, box.w, n);
  const sums = new Float32Array(n * 3);
  const out = new Uint8Array(n * n * 3);
  spans(box.y, box.h, n).forEach(({ first, weights }, j) => {
    sums.fill(0);
    for (let dy = 0; dy < weights.length; dy++) addRow(data, (first + dy) * width, columns, weights[dy]!, sums);
    for (let i = 0; i < n * 3; i++) out[j * n * 3 + i] = Math.round(sums[i]!);
  });
  return out;
}

function addRow(data: Uint8Array, rowStart: number, columns: { first: number; weights: Float32Array }[], weight: number, sums: Float32Array): void {
  for (let i = 0; i < columns.length; i++) {
    const { first, weights } = columns[i]!;
    let r = 0, g = 0, b = 0;
    for (let k = 0, p = (rowStart + first) * 3; k < weights.length; k++, p += 3) {
      const w = weights[k]!;
      r += w * data[p]!; g += w * data[p + 1]!; b += w * data[p + 2]!;
    }
    sums[i * 3] = sums[i * 3]! + weight * r; sums[i * 3 + 1] = sums[i * 3 + 1]! + weight * g; sums[i * 3 + 2] = sums[i * 3 + 2]! + weight * b;
  }
}
