/**
 * Are two small pictures the same picture, cropped, scaled, framed, recompressed or brightened? Aligns one onto the other
 * (Lucas & Kanade 1981, "An iterative image registration technique", here with four geometric and two photometric
 * unknowns) and looks at what difference is left.
 */
import { THUMB_SIDE as N } from './descriptor.ts';

/** x' = cx + (x−cx)(1+sx) + tx, likewise y; B(x') ≈ gain·A(x) + offset. */
type Warp = [sx: number, tx: number, sy: number, ty: number, gain: number, offset: number];
export interface Residual {
  /** root mean square colour difference after alignment, grey levels */
  rms: number;
  /** largest mean colour difference of a 4×4-pixel block, grey levels: a small thing that is different */
  block: number;
}

const CENTRE = (N - 1) / 2;
const MAX_SCALE = 0.25;
const MAX_SHIFT = 5;
const ITERATIONS = 12;

/** Luma plane of an RGB thumb. */
function greyOf(rgb: Uint8Array): Float32Array {
  const grey = new Float32Array(rgb.length / 3);
  for (let i = 0; i < grey.length; i++) grey[i] = 0.299 * rgb[i * 3]! + 0.587 * rgb[i * 3 + 1]! + 0.114 * rgb[i * 3 + 2]!;
  return grey;
}

function smooth(plane: Float32Array): Float32Array {
  const pass = (src: Float32Array, step: number, limit: (i: number) => number) => {
    const out = new Float32Array(src.length);
    for (let i = 0; i < src.length; i++) {
      const k = limit(i);
      out[i] = (src[k > 0 ? i - step : i]! + 2 * src[i]! + src[k < N - 1 ? i + step : i]!) / 4;
    }
    return out;
  };
  return pass(pass(plane, 1, (i) => i % N), N, (i) => Math.floor(i / N));
}

/** Solves the 6×6 normal equations in place (Gaussian elimination with pivoting); false when they are singular. */
function solve(a: Float64Array, b: Float64Array, n: number): boolean {
  for (let c = 0; c < n; c++) {
    let p = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(a[r * n + c]!) > Math.abs(a[p * n + c]!)) p = r;
    if (Math.abs(a[p * n + c]!) < 1e-9) return false;
    for (let k = 0; k < n; k++) { const t = a[c * n + k]!; a[c * n + k] = a[p * n + k]!; a[p * n + k] = t; }
    const t = b[c]!; b[c] = b[p]!; b[p] = t;
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const f = a[r * n + c]! / a[c * n + c]!;
      for (let k = c; k < n; k++) a[r * n + k]! -= f * a[c * n + k]!;
      b[r]! -= f * b[c]!;
    }
  }
  for (let c = 0; c < n; c++) b[c]! /= a[c * n + c]!;
  return true;
}

const clamp = (v: number, limit: number) => Math.min(Math.max(v, -limit), limit);

/** One Gauss-Newton step; returns the largest change of a geometric parameter in pixels at the border, or 0 when stuck. */
function step(a: Float32Array, b: Float32Array, warp: Warp): number {
  const [sx, tx, sy, ty, gain, offset] = warp;
  const h = new Float64Array(36), g = new Float64Array(6), j = new Float64Array(6);
  for (let y = 0; y < N; y++) for (let x = 0; x < N; x++) {
    const u = CENTRE + (x - CENTRE) * (1 + sx) + tx, v = CENTRE + (y - CENTRE) * (1 + sy) + ty;
    if (u < 0 || v < 0 || u > N - 1.001 || v > N - 1.001) continue;
    const x0 = Math.floor(u), y0 = Math.floor(v), fx = u - x0, fy = v - y0, i = y0 * N + x0;
    const b00 = b[i]!, b10 = b[i + 1]!, b01 = b[i + N]!, b11 = b[i + N + 1]!;
    const bx = (b10 - b00) * (1 - fy) + (b11 - b01) * fy, by = (b01 - b00) * (1 - fx) + (b11 - b10) * fx;
    const value = b00 * (1 - fx) * (1 - fy) + b10 * fx * (1 - fy) + b01 * (1 - fx) * fy + b11 * fx * fy;
    const av = a[y * N + x]!;
    j[0] = bx * (x - CENTRE); j[1] = bx; j[2] = by * (y - CENTRE); j[3] = by; j[4] = -av; j[5] = -1;
    const e = value - gain * av - offset;
    for (let p = 0; p < 6; p++) { g[p]! -= j[p]! * e; for (let q = p; q < 6; q++) h[p * 6 + q]! += j[p]! * j[q]!; }
  }
  for (let p = 0; p < 6; p++) { h[p * 7]! += 1e-3 * h[p * 7]! + 1e-3; for (let q = 0; q < p; q++) h[p * 6 + q] = h[q * 6 + p]!; }
  if (!solve(h, g, 6)) return 0;
  warp[0] = clamp(sx + g[0]!, MAX_SCALE); warp[1] = clamp(tx + g[1]!, MAX_SHIFT);
  warp[2] = clamp(sy + g[2]!, MAX_SCALE); warp[3] = clamp(ty + g[3]!, MAX_SHIFT);
  warp[4] = Math.min(Math.max(gain + g[4]!, 0.7), 1.4); warp[5] = clamp(offset + g[5]!, 40);
  return Math.max(Math.abs(g[0]!) * CENTRE, Math.abs(g[1]!), Math.abs(g[2]!) * CENTRE, Math.abs(g[3]!));
}

const BLOCK = 4;
/** Channel values beyond these were clipped when the picture was brightened or darkened. */
const BLACK = 5, WHITE = 250;
const MIN_GAIN = 0.8, MAX_GAIN = 1.25;

/** Calls `use` with both values of every channel of every pixel that the warp keeps inside; returns the number of pixels. */
function forOverlap(a: Uint8Array, b: Uint8Array, [sx, tx, sy, ty]: Warp, use: (va: number, vb: number, x: number, y: number, channel: number) => void): number {
  let n = 0;
  for (let y = 0; y < N; y++) for (let x = 0; x < N; x++) {
    const u = CENTRE + (x - CENTRE) * (1 + sx) + tx, v = CENTRE + (y - CENTRE) * (1 + sy) + ty;
    if (u < 0 || v < 0 || u > N - 1.001 || v > N - 1.001) continue;
    const x0 = Math.floor(u), y0 = Math.floor(v), fx = u - x0, fy = v - y0, i = (y0 * N + x0) * 3;
    n++;
    for (let c = 0; c < 3; c++) {
      const value = b[i + c]! * (1 - fx) * (1 - fy) + b[i + 3 + c]! * fx * (1 - fy) + b[i + 3 * N + c]! * (1 - fx) * fy + b[i + 3 * N + 3 + c]! * fx * fy;
      use(a[(y * N + x) * 3 + c]!, value, x, y, c);
    }
  }
  return n;
}

/** Gain and offset of b ≈ gain·a + offset by least squares over channels that are not clipped in either picture. */
function fitBrightness(a: Uint8Array, b: Uint8Array, warp: Warp): { gain: number; offset: number } {
  let n = 0, sa = 0, sb = 0, saa = 0, sab = 0;
  forOverlap(a, b, warp, (va, vb) => {
    if (va < BLACK || va > WHITE || vb < BLACK || vb > WHITE) return;
    n++; sa += va; sb += vb; saa += va * va; sab += va * vb;
  });
  const variance = n * saa - sa * sa;
  if (n < 48 || variance < n * n * 4) return { gain: 1, offset: n < 48 ? 0 : clamp((sb - sa) / n, 25) };
  const gain = Math.min(Math.max((n * sab - sa * sb) / variance, MIN_GAIN), MAX_GAIN);
  return { gain, offset: clamp((sb - gain * sa) / n, 25) };
}

function measure(a: Uint8Array, b: Uint8Array, warp: Warp): Residual {
  const { gain, offset } = fitBrightness(a, b, warp);
  const side = N / BLOCK;
  const sums = new Float32Array(side * side * 3), counts = new Float32Array(side * side * 3);
  let squares = 0;
  const n = forOverlap(a, b, warp, (va, vb, x, y, c) => {
    const expected = Math.min(Math.max(gain * va + offset, 0), 255);
    // a clipped value stands for anything beyond it
    const e = (va > WHITE && vb > expected) || (va < BLACK && vb < expected) ? 0 : vb - expected;
    const cell = (Math.floor(y / BLOCK) * side + Math.floor(x / BLOCK)) * 3 + c;
    squares += e * e; sums[cell]! += e; counts[cell]!++;
  });
  let block = 0;
  for (let cell = 0; cell < counts.length; cell++) if (counts[cell]! >= BLOCK * 2) block = Math.max(block, Math.abs(sums[cell]!) / counts[cell]!);
  return { rms: n < (N * N) / 2 ? 255 : Math.sqrt(squares / (3 * n)), block };
}

/** What is left between two 32×32 RGB thumbs after aligning `a` onto `b`. */
export function alignedResidual(a: Uint8Array, b: Uint8Array): Residual {
  const ga = smooth(greyOf(a)), gb = smooth(greyOf(b));
  const warp: Warp = [0, 0, 0, 0, 1, 0];
  for (let i = 0; i < ITERATIONS; i++) if (step(ga, gb, warp) < 0.01) break;
  return measure(a, b, warp);
}
