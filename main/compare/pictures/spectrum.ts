/**
 * Radial power spectrum: how much of a picture's contrast lies in coarse shapes and how much in fine detail. What LPL
 * promises is the right end of it.
 */
import FFT from 'fft.js';
import type { Gray } from './gray.ts';

/** The largest power of two that fits into a side. */
const powerOfTwo = (n: number): number => 2 ** Math.floor(Math.log2(n));

/** The centre square, brightness minus its mean, under a Hann window (so that edges of the square do not look like detail). */
function windowed({ width, height, data }: Gray, n: number): Float64Array {
  const [x0, y0] = [(width - n) >> 1, (height - n) >> 1];
  const out = new Float64Array(n * n);
  for (let y = 0; y < n; y++) for (let x = 0; x < n; x++) out[y * n + x] = data[(y + y0) * width + x + x0]!;
  const mean = out.reduce((s, v) => s + v, 0) / out.length;
  const hann = Float64Array.from({ length: n }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / n) ** 2);
  return out.map((v, i) => (v - mean) * hann[i % n]! * hann[Math.floor(i / n)]!);
}

/** |F|² of an n×n field, n a power of two. */
function power(field: Float64Array, n: number): Float64Array {
  const fft = new FFT(n);
  const rows = Array.from({ length: n }, (_, y) => {
    const out = fft.createComplexArray() as number[];
    fft.transform(out, fft.toComplexArray([...field.subarray(y * n, (y + 1) * n)], undefined as never));
    return out;
  });
  const result = new Float64Array(n * n);
  for (let x = 0; x < n; x++) {
    const column = rows.flatMap((r) => [r[2 * x]!, r[2 * x + 1]!]);
    const out = fft.createComplexArray() as number[];
    fft.transform(out, column);
    for (let y = 0; y < n; y++) result[y * n + x] = out[2 * y]! ** 2 + out[2 * y + 1]! ** 2;
  }
  return result;
}

/** Mean power at each spatial frequency, 1 … n/2 cycles per n pixels (index 0 is frequency 1), n the largest power of two in the picture. */
export function radialSpectrum(picture: Gray): Float64Array {
  const n = powerOfTwo(Math.min(picture.width, picture.height));
  if (n < 8) throw new RangeError(`a spectrum needs at least 8 pixels a side, not ${Math.min(picture.width, picture.height)}`);
  const p = power(windowed(picture, n), n);
  const sums = new Float64Array(n / 2);
  const counts = new Float64Array(n / 2);
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const radius = Math.round(Math.hypot(Math.min(x, n - x), Math.min(y, n - y)));
      if (radius >= 1 && radius <= n / 2) { sums[radius - 1]! += p[y * n + x]!; counts[radius - 1]!++; }
    }
  }
  return sums.map((s, i) => s / counts[i]! / (n * n));
}

/** Mean of several spectra of the same length. */
export const meanSpectrum = (spectra: readonly Float64Array[]): Float64Array =>
  spectra[0]!.map((_, i) => spectra.reduce((s, sp) => s + sp[i]!, 0) / spectra.length);

/** Share of the power in the upper half of the frequencies: fine detail. */
export function detailShare(spectrum: Float64Array): number {
  const weigh = (from: number): number => spectrum.reduce((s, v, i) => s + (i >= from ? v * (i + 1) : 0), 0);
  return weigh(spectrum.length / 2) / weigh(0);
}
