import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { bucketingSchema, datasetManifestSchema } from '../../main/contract/datasetManifest.ts';
import { bucketSizes, centreCrop, nearestBucket } from '../../main/contract/buckets.ts';
import { movedCrop, timeIds, tooSmall } from '../../main/engine/data/buckets.ts';
import { decodeCrop, imageSize, toBytes, toUnitRange } from '../../main/engine/data/decodeImage.ts';
import { dataWarnings } from '../../main/engine/data/runDataset.ts';
import { readFolderDataset } from '../../main/engine/data/folderDataset.ts';
import { errorOf, item, picture, pictureFolder, tempDir } from './train-helpers.ts';

const bucketing = (over = {}) => bucketingSchema.parse({ resolution: 1024, ...over });

describe('buckets', () => {
  test('sides are multiples of the step, areas at most resolution², shapes mirrored', () => {
    const sizes = bucketSizes(bucketing(), 32);
    expect(sizes.length).toBeGreaterThan(15);
    for (const s of sizes) {
      expect([s.width % 64, s.height % 64]).toEqual([0, 0]);
      expect(s.width * s.height).toBeLessThanOrEqual(1024 ** 2);
      expect(sizes).toContainEqual({ width: s.height, height: s.width });
    }
    expect(sizes).toContainEqual({ width: 1024, height: 1024 });
    expect(sizes).toContainEqual({ width: 832, height: 1216 });
  });
  test('the nearest shape is taken', () => {
    const sizes = bucketSizes(bucketing(), 32);
    expect(nearestBucket({ width: 3000, height: 3000 }, sizes)).toEqual({ width: 1024, height: 1024 });
    expect(nearestBucket({ width: 1000, height: 1500 }, sizes)).toEqual({ width: 832, height: 1216 });
  });
  test('a small model gets the one bucket it can have', () => {
    expect(bucketSizes(bucketing({ resolution: 64 }), 16)).toEqual([{ width: 64, height: 64 }]);
  });
  test('a resolution that the model cannot do is refused with one that it can', async () => {
    expect(await errorOf(() => bucketSizes(bucketing({ resolution: 1000 }), 32))).toMatchObject({ code: 'data.resolution_unaligned', hint: 'Choose 992.' });
  });
  test('crops and time ids', () => {
    const wide = item({ width: 300, height: 100, bucket: [64, 64], crop: centreCrop({ width: 300, height: 100 }, { width: 64, height: 64 }) });
    expect(wide.crop).toEqual([100, 0, 100, 100]);
    expect(timeIds(wide, wide.crop, false)).toEqual([100, 300, 0, 64, 64, 64]);
    const left = movedCrop(wide, 0, 0);
    expect(left).toEqual([0, 0, 100, 100]);
    expect(movedCrop(wide, 0.9999, 0.9999)).toEqual([200, 0, 100, 100]);
    expect(timeIds(wide, left, true)).toEqual([100, 300, 0, 128, 64, 64]);
    expect(tooSmall({ width: 60, height: 100 }, { width: 64, height: 64 }, false)).toContain('60x100');
    expect(tooSmall({ width: 60, height: 100 }, { width: 64, height: 64 }, true)).toBeNull();
  });
});

describe('decoding', () => {
  const whole = (w: number, h: number) => [0, 0, w, h] as [number, number, number, number];
  test('EXIF orientation is applied before the crop', async () => {
    const path = join(tempDir(), 'turned.jpg');
    const stored = Buffer.alloc(64 * 32 * 3);
    for (let y = 0; y < 32; y++) for (let x = 0; x < 64; x++) stored[(y * 64 + x) * 3 + (x < 32 ? 0 : 2)] = 255;
    await sharp(stored, { raw: { width: 64, height: 32, channels: 3 } }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).withMetadata({ orientation: 6 }).toFile(path);
    expect(await imageSize(path)).toEqual({ width: 32, height: 64 });
    const top = await decodeCrop(path, [0, 0, 32, 16], { width: 32, height: 16 }, false);
    expect([top[0]! > 240, top[2]! < 15]).toEqual([true, true]); // the stored left half is the upright top
    const bottom = await decodeCrop(path, [0, 40, 32, 16], { width: 32, height: 16 }, false);
    expect([bottom[0]! < 15, bottom[2]! > 240]).toEqual([true, true]);
  });
  test('transparency lies on the background; grey pictures have three channels', async () => {
    const dir = tempDir(), clear = join(dir, 'clear.png'), grey = join(dir, 'grey.png');
    await sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } }).png().toFile(clear);
    expect([...(await decodeCrop(clear, whole(8, 8), { width: 8, height: 8 }, false)).slice(0, 3)]).toEqual([255, 255, 255]);
    expect([...(await decodeCrop(clear, whole(8, 8), { width: 8, height: 8 }, false, '#102030')).slice(0, 3)]).toEqual([16, 32, 48]);
    await sharp(Buffer.alloc(64, 77), { raw: { width: 8, height: 8, channels: 1 } }).toColourspace('b-w').png().toFile(grey);
    expect([...(await decodeCrop(grey, whole(8, 8), { width: 8, height: 8 }, false)).slice(0, 3)]).toEqual([77, 77, 77]);
  });
  test('an embedded wide-gamut profile is converted to sRGB', async () => {
    const path = join(tempDir(), 'p3.png');
    await sharp({ create: { width: 8, height: 8, channels: 3, background: '#c86432' } }).withIccProfile('p3').png().toFile(path);
    const stored = await sharp(path, {}).raw().toBuffer();
    const pixels = await decodeCrop(path, whole(8, 8), { width: 8, height: 8 }, false);
    expect([...pixels.slice(0, 3)].every((v, i) => Math.abs(v - [200, 100, 50][i]!) <= 2)).toBe(true);
    expect(stored.length).toBe(192);
  });
  test('mirroring exchanges left and right only', async () => {
    const path = await picture(join(tempDir(), 'a.png'), 16, 8, 3);
    const plain = await decodeCrop(path, whole(16, 8), { width: 16, height: 8 }, false), flipped = await decodeCrop(path, whole(16, 8), { width: 16, height: 8 }, true);
    for (let x = 0; x < 16; x++) expect(flipped[(3 * 16 + x) * 3]).toBe(plain[(3 * 16 + 15 - x) * 3]);
  });
  test('bytes and unit range are inverse', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(toBytes(toUnitRange(bytes))).toEqual(bytes);
    expect([toUnitRange(bytes)[0], toUnitRange(bytes)[255]]).toEqual([-1, 1]);
    expect([...toBytes(Float32Array.of(-3, 3))]).toEqual([0, 255]);
  });
  test('a file that ends too early is refused', async () => {
    const path = await picture(join(tempDir(), 'cut.jpg'), 256, 256);
    truncateSync(path, Math.floor(readFileSync(path).length * 0.6));
    expect(await errorOf(() => decodeCrop(path, whole(256, 256), { width: 64, height: 64 }, false))).toMatchObject({ code: 'image.unreadable' });
  });
});

describe('warnings before the training', () => {
  test('count pictures without a caption in words that fit', () => {
    const set = (...captions: string[][]) => ({ items: captions.map((c, i) => item({ id: i, name: `${i}.png`, captions: c })) }) as unknown as Parameters<typeof dataWarnings>[0];
    const said = (...captions: string[][]): string | undefined => dataWarnings(set(...captions), 1).find((w) => w.code === 'data.no_caption')?.message;
    expect(said(['a'], [])).toBe('1 of 2 pictures has no caption and is trained with an empty one: 1.png');
    expect(said([], [])).toBe('2 of 2 pictures have no caption and are trained with an empty one: 0.png, 1.png');
    expect(said(['a'], ['b'])).toBeUndefined();
  });
});

describe('a plain folder', () => {
  test('captions, alternatives, repeats, held-out pictures, and a reason for each one left out', async () => {
    const dir = await pictureFolder(2);
    writeFileSync(join(dir, 'p1.txt'), '\uFEFFfirst way\r\n\r\nsecond way\r\n');
    await picture(join(dir, '3_style', 'deep.png'), 64, 64, 90);
    await picture(join(dir, 'validation', 'held.png'), 64, 64, 91);
    await picture(join(dir, 'small.png'), 20, 20, 92);
    writeFileSync(join(dir, 'broken.png'), 'not a picture');
    writeFileSync(join(dir, 'metadata.jsonl'), '{"file_name":"3_style/deep.png","text":"from the list"}\n');
    const manifest = await readFolderDataset(dir, bucketing({ resolution: 64 }), 16);
    expect(datasetManifestSchema.parse(manifest)).toEqual(manifest);
    expect(manifest.items.map((i) => [i.name, i.captions, i.repeats, i.split])).toEqual([
      ['3_style/deep.png', ['from the list'], 3, 'train'], ['p0.png', ['a picture of number 0'], 1, 'train'],
      ['p1.png', ['first way', 'second way'], 1, 'train'], ['validation/held.png', [], 1, 'validation'],
    ]);
    expect(manifest.left_out.map((l) => l.name)).toEqual(['broken.png', 'small.png']);
    expect(manifest.left_out[1]!.reason).toContain('smaller than its bucket');
    expect((await readFolderDataset(dir, bucketing({ resolution: 64 }), 16)).dataset.hash).toBe(manifest.dataset.hash);
  });
  test('an empty or missing folder says so', async () => {
    expect((await errorOf(() => readFolderDataset(tempDir(), bucketing(), 8))).code).toBe('data.no_images');
    expect((await errorOf(() => readFolderDataset('/no/such/folder', bucketing(), 8))).code).toBe('data.folder_missing');
  });
});
