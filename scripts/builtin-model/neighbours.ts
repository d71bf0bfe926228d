/** Whether drawn pictures are copies: for each, the picture of the training set that is nearest to it, and how near. */
import { writeFileSync } from 'node:fs';
import sharp from 'sharp';
import type { HostTensor } from '../../main/engine/backend/executor.ts';
import { imageSize } from './configs.ts';
import type { DrawnPicture } from './images.ts';

const values = imageSize * imageSize * 3;
/** A drawn picture that agrees with a training picture better than this is called a copy: the VAE's own reconstructions of training pictures agree at about 24 dB. */
export const copyDb = 20;
const shifts = [-2, -1, 0, 1, 2];

/** Mean squared error of two pictures (values 0…255), the second moved by (dx, dy) and mirrored where asked; what moves in is white. */
function error(drawn: Uint8Array, kept: Uint8Array, dx: number, dy: number, mirror: boolean, best: number): number {
  let sum = 0;
  const limit = best * values;
  for (let y = 0; y < imageSize && sum < limit; y++) for (let x = 0; x < imageSize; x++) {
    const sx = (mirror ? imageSize - 1 - x : x) + dx, sy = y + dy, inside = sx >= 0 && sy >= 0 && sx < imageSize && sy < imageSize;
    for (let c = 0; c < 3; c++) sum += (drawn[(y * imageSize + x) * 3 + c]! - (inside ? kept[(sy * imageSize + sx) * 3 + c]! : 255)) ** 2;
  }
  return sum / values;
}

export interface Neighbour { prompt: string; nearest: string; psnr_db: number; copy: boolean; picture: Uint8Array }

/** The nearest training picture to `drawn` over mirrored and slightly moved ones. */
export function nearest(prompt: string, drawn: Uint8Array, training: DrawnPicture[]): Neighbour {
  let best = Infinity, found = training[0]!;
  for (const picture of training) for (const mirror of [false, true]) for (const dx of shifts) for (const dy of shifts) {
    const e = error(drawn, picture.rgb, dx, dy, mirror, best);
    if (e < best) [best, found] = [e, picture];
  }
  const psnr_db = Number((10 * Math.log10(255 ** 2 / Math.max(best, 1e-9))).toFixed(2));
  return { prompt, nearest: found.caption, psnr_db, copy: psnr_db >= copyDb, picture: found.rgb };
}

/** Pictures [n, size, size, 3] in −1..1 as bytes. */
export const toBytes = (image: HostTensor): Uint8Array[] => Array.from({ length: image.shape[0]! }, (_, i) =>
  new Uint8Array(Uint8ClampedArray.from(image.data.subarray(i * values, (i + 1) * values), (v) => Math.round((v + 1) * 127.5))));

/** Drawn pictures above, their nearest training pictures below, ten a row; and the numbers as JSON. */
export async function writeNeighbours(file: string, drawn: Uint8Array[], found: Neighbour[]): Promise<void> {
  const columns = 10, cell = imageSize + 4, rows = Math.ceil(drawn.length / columns);
  const tile = (rgb: Uint8Array, i: number, below: boolean) => ({ input: Buffer.from(rgb), raw: { width: imageSize, height: imageSize, channels: 3 as const }, left: (i % columns) * cell + 4, top: (Math.floor(i / columns) * 2 + Number(below)) * cell + 4 });
  const tiles = [...drawn.map((d, i) => tile(d, i, false)), ...found.map((f, i) => tile(f.picture, i, true))];
  await sharp({ create: { width: columns * cell + 4, height: rows * 2 * cell + 4, channels: 3, background: '#d0d0d0' } }).composite(tiles).png({ compressionLevel: 9 }).toFile(`${file}.png`);
  writeFileSync(`${file}.json`, `${JSON.stringify({ copy_means_at_least_db: copyDb, copies: found.filter((f) => f.copy).length, of: found.length, pictures: found.map(({ picture: _, ...f }) => f) }, null, 1)}\n`);
}
