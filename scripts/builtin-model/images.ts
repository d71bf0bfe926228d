/** The drawn pictures as RGB bytes, kept in one file beside the training so that a resumed training starts at once. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageSize } from './configs.ts';
import { draw, heldOut, picturesOf, type Picture } from './pictures.ts';

const bytes = imageSize * imageSize * 3;
export interface DrawnPicture extends Picture { rgb: Uint8Array }
export interface PictureSet { training: DrawnPicture[]; heldOut: DrawnPicture[] }

/** Every picture of the base styles at the model's size; 200 of them are held out of every training. */
export async function basePictures(dir: string): Promise<PictureSet> {
  const pictures = [...picturesOf('noto'), ...picturesOf('fluent')];
  const path = join(dir, `pictures-${imageSize}-${pictures.length}.rgb`);
  if (!existsSync(path)) {
    mkdirSync(dir, { recursive: true });
    const all = Buffer.alloc(bytes * pictures.length);
    for (const [i, p] of pictures.entries()) all.set(await draw(p, imageSize), i * bytes);
    writeFileSync(path, all);
  }
  const all = readFileSync(path);
  const out = heldOut(pictures, 200);
  const drawn = pictures.map((p, i) => ({ ...p, rgb: new Uint8Array(all.buffer, all.byteOffset + i * bytes, bytes), out: out.has(p) }));
  return { training: drawn.filter((p) => !p.out), heldOut: drawn.filter((p) => p.out) };
}
