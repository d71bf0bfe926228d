/** Small pictures, folders and manifests for the tests of training. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import type { ManifestItem } from '../../main/contract/datasetManifest.ts';

export const tempDir = (): string => mkdtempSync(join(tmpdir(), 'lpl-train-'));

/** A picture with a gradient of its own (seeded by `hue`), so that no two are alike. */
export async function picture(path: string, width = 64, height = 64, hue = 0): Promise<string> {
  mkdirSync(dirname(path), { recursive: true });
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const at = (y * width + x) * 3;
    pixels[at] = (x * 255 / width + hue) & 255; pixels[at + 1] = (y * 255 / height) | 0; pixels[at + 2] = (hue * 7) & 255;
  }
  await sharp(pixels, { raw: { width, height, channels: 3 } }).toFile(path);
  return path;
}

/** A folder of `n` captioned pictures. */
export async function pictureFolder(n: number, size = 64): Promise<string> {
  const dir = tempDir();
  for (let i = 0; i < n; i++) {
    await picture(join(dir, `p${i}.png`), size, size, i * 13);
    writeFileSync(join(dir, `p${i}.txt`), `a picture of number ${i}\n`);
  }
  return dir;
}

export const item = (over: Partial<ManifestItem> = {}): ManifestItem => ({
  id: 0, file: '/nowhere.png', name: 'nowhere.png', contentHash: '00', captions: ['a caption'], repeats: 1, bucket: [64, 64], crop: [0, 0, 64, 64],
  cropFixed: false, width: 64, height: 64, flip: true, weight: 1, prior: false, split: 'train', ...over,
});

/** The AppError that `work` throws; fails where it throws none. */
export async function errorOf(work: () => unknown): Promise<{ code: string; message: string; hint: string }> {
  try { await work(); } catch (error) { return error as { code: string; message: string; hint: string }; }
  throw new Error('no error was thrown');
}
