/**
 * The demo data set: old Noto "blob" emoji, a style that the built-in model has never seen, with captions; a held-out
 * part; and an untidy copy, on which the curation page shows what it finds.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { draw, namedPictures, picturesOf, type Picture } from './pictures.ts';

const size = 128;
const counts = { train: 240, validation: 60 };
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** 300 blobs whose names the model knows in other styles, in the order of their names' hashes. */
export function demoPictures(): { train: Picture[]; validation: Picture[] } {
  const known = new Set(namedPictures([...picturesOf('noto'), ...picturesOf('fluent')]).map((p) => p.name));
  const blobs = picturesOf('blob').filter((p) => known.has(p.name)).sort((a, b) => (hash(a.name) < hash(b.name) ? -1 : 1));
  return { train: blobs.slice(0, counts.train), validation: blobs.slice(counts.train, counts.train + counts.validation) };
}

const image = async (p: Picture): Promise<Sharp> => sharp(await draw(p, size), { raw: { width: size, height: size, channels: 3 } });

async function writeSet(folder: string, pictures: Picture[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const p of pictures) {
    await (await image(p)).png({ palette: true, colours: 128, compressionLevel: 9, effort: 10 }).toFile(join(folder, `${p.name}.png`));
    writeFileSync(join(folder, `${p.name}.txt`), `${p.caption}\n`);
  }
}

/** What goes wrong in folders that people have: one of each, named after what it is. */
async function writeUntidy(folder: string, pictures: Picture[]): Promise<void> {
  const [turned, twin, smaller, blurred, tiny, ...rest] = pictures as [Picture, Picture, Picture, Picture, Picture, ...Picture[]];
  await writeSet(folder, [twin, smaller, ...rest.slice(0, 13)]);
  await (await image(turned)).rotate(270).jpeg({ quality: 92 }).withMetadata({ orientation: 6 }).toFile(join(folder, `${turned.name} photo.jpg`));
  writeFileSync(join(folder, `${turned.name} photo.txt`), `${turned.caption}\n`);
  await (await image(twin)).png({ palette: true, colours: 128, compressionLevel: 9, effort: 10 }).toFile(join(folder, `copy of ${twin.name}.png`));
  await (await image(smaller)).resize(96, 96).jpeg({ quality: 60 }).toFile(join(folder, `${smaller.name} small.jpg`));
  await (await image(blurred)).blur(6).png().toFile(join(folder, `${blurred.name} blurred.png`));
  writeFileSync(join(folder, `${blurred.name} blurred.txt`), `${blurred.caption}\n`);
  await (await image(tiny)).resize(24, 24).png().toFile(join(folder, `${tiny.name} tiny.png`));
  for (const p of rest.slice(13, 15)) await (await image(p)).png().toFile(join(folder, `${p.name} without caption.png`));
  const whole = await (await image(rest[15]!)).jpeg().toBuffer();
  writeFileSync(join(folder, 'broken.jpg'), whole.subarray(0, Math.floor(whole.length / 3)));
  await sharp({ create: { width: size, height: size, channels: 3, background: '#f4f4f4' } }).png().toFile(join(folder, 'blank.png'));
  writeFileSync(join(folder, 'blank.txt'), 'blob emoji of nothing\n');
  writeFileSync(join(folder, `${rest[0]!.name}.txt`), `${Array(60).fill(rest[0]!.caption).join(', ')}\n`);
}

/** Writes the demo data set and its untidy copy under `folder`, replacing what is there. */
export async function makeDemo(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const { train, validation } = demoPictures();
  await writeSet(join(folder, 'blobs', 'train'), train);
  await writeSet(join(folder, 'blobs', 'validation'), validation);
  await writeUntidy(join(folder, 'untidy'), train.slice(0, 24));
}
