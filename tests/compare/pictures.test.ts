import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readGray, type Gray } from '../../main/compare/pictures/gray.ts';
import { sharpness } from '../../main/compare/pictures/sharpness.ts';
import { detailShare, meanSpectrum, radialSpectrum } from '../../main/compare/pictures/spectrum.ts';

const n = 64;
const wave = (cycles: number): Gray => ({ width: n, height: n, data: Float64Array.from({ length: n * n }, (_, i) => 128 + 100 * Math.sin((2 * Math.PI * cycles * (i % n)) / n)) });
const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${n}" height="${n}"><rect width="64" height="64" fill="white"/><path d="M5 5h22v22h-22zM40 8l9 30l-22 14z" fill="black"/></svg>`);

describe('power spectrum', () => {
  it('has its peak at the frequency of a wave', () => {
    for (const cycles of [3, 10, 25]) {
      const s = radialSpectrum(wave(cycles));
      expect(s.indexOf(Math.max(...s)) + 1).toBe(cycles);
    }
  });
  it('loses its fine end when a picture is blurred', async () => {
    const sharpPicture = await readGray(svg);
    const blurred = await readGray(await sharp(svg).blur(2).png().toBuffer());
    expect(detailShare(radialSpectrum(blurred))).toBeLessThan(0.5 * detailShare(radialSpectrum(sharpPicture)));
  });
  it('is averaged frequency by frequency, and refuses tiny pictures', () => {
    const [a, b] = [radialSpectrum(wave(3)), radialSpectrum(wave(9))];
    expect(meanSpectrum([a, b])[8]).toBeCloseTo((a[8]! + b[8]!) / 2, 6);
    expect(() => radialSpectrum({ width: 4, height: 4, data: new Float64Array(16) })).toThrow(/8 pixels/);
  });
});

describe('sharpness', () => {
  it('falls with blur and is zero on one colour', async () => {
    const values = await Promise.all([0.3, 1, 3].map(async (sigma) => sharpness(await readGray(await sharp(svg).blur(sigma).png().toBuffer()))));
    expect(values[0]).toBeGreaterThan(values[1]!);
    expect(values[1]).toBeGreaterThan(values[2]!);
    expect(sharpness({ width: 8, height: 8, data: new Float64Array(64).fill(7) })).toBe(0);
    // a ramp's slope that grows evenly has the same Laplacian everywhere: no variance, so no sharpness
    expect(sharpness({ width: 8, height: 8, data: Float64Array.from({ length: 64 }, (_, i) => (i % 8) ** 2) })).toBeCloseTo(0, 9);
  });
});
