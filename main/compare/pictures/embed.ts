/** Pictures for a report that needs nothing else: data URIs, and a crop at 1:1 where there is most detail. */
import sharp from 'sharp';
import { readGray, type Gray } from './gray.ts';

const LARGEST = 512, CROP = 96;

/** Small pictures as they are (PNG), larger ones scaled to 512 px (WebP). */
export async function pictureUri(file: string): Promise<string> {
  const picture = sharp(file), { width = 0, height = 0 } = await picture.metadata();
  if (Math.max(width, height) <= 128) return uri('png', await picture.png({ compressionLevel: 9 }).toBuffer());
  return uri('webp', await picture.resize({ width: LARGEST, height: LARGEST, fit: 'inside', withoutEnlargement: true }).webp({ quality: 90 }).toBuffer());
}

const uri = (type: string, data: Buffer): string => `data:image/${type};base64,${data.toString('base64')}`;

/** Squared Laplacian summed over squares of CROP px on a grid of half their size. */
function detail({ width, height, data }: Gray): { x: number; y: number; energy: number }[] {
  const out: { x: number; y: number; energy: number }[] = [];
  for (let y = 1; y + CROP < height; y += CROP / 2) for (let x = 1; x + CROP < width; x += CROP / 2) {
    let energy = 0;
    for (let j = y; j < y + CROP; j++) for (let i = x; i < x + CROP; i++) {
      const at = j * width + i;
      energy += (data[at - 1]! + data[at + 1]! + data[at - width]! + data[at + width]! - 4 * data[at]!) ** 2;
    }
    out.push({ x, y, energy });
  }
  return out;
}

/** The same square of every arm's picture at 1:1, where all of them together have most detail; null for pictures that are small anyway. */
export async function detailCrops(files: readonly string[]): Promise<string[] | null> {
  const grays = await Promise.all(files.map((f) => readGray(f))), first = grays[0];
  if (!first || Math.min(first.width, first.height) < 2 * CROP || grays.some((g) => g.width !== first.width || g.height !== first.height)) return null;
  const places = grays.map(detail), summed = places[0]!.map((p, i) => ({ ...p, energy: places.reduce((s, arm) => s + arm[i]!.energy, 0) }));
  const { x, y } = summed.reduce((best, p) => (p.energy > best.energy ? p : best));
  return Promise.all(files.map(async (f) => uri('png', await sharp(f).extract({ left: x, top: y, width: CROP, height: CROP }).png().toBuffer())));
}
