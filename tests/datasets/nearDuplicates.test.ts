import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import sharp, { type Sharp } from 'sharp';
import { describe as group, expect, it } from 'vitest';
import { DESCRIPTOR_LENGTH, THUMB_SIDE, describe } from '../../main/datasets/descriptor.ts';
import { Groups, joinNearDuplicates } from '../../main/datasets/duplicates.ts';
import { KdTree } from '../../main/datasets/kdTree.ts';
import { openUpright } from '../../main/datasets/decode.ts';
import { reduced } from '../../main/datasets/probe.ts';
import { signatureOf } from '../../main/datasets/signature.ts';
import { sha256 } from '../../main/datasets/captions.ts';
import { openRoom, pixels, put, tempFolder } from './helpers.ts';

interface Icons { icons: Record<string, { body: string; width?: number; height?: number }>; width?: number; height?: number }
const load = (set: string): Icons => JSON.parse(readFileSync(createRequire(import.meta.url).resolve(`@iconify-json/${set}/icons.json`), 'utf8')) as Icons;

/** Every `step`-th icon of a set as a 192 px picture on white; icons that look exactly alike count once. */
async function pictures(set: string, count: number): Promise<Buffer[]> {
  const { icons, width = 128, height = 128 } = load(set);
  const names = Object.keys(icons), seen = new Set<string>(), out: Buffer[] = [];
  for (let i = 0; out.length < count; i++) {
    const icon = icons[names[(i * 7919) % names.length]!]!;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="192" height="192" viewBox="0 0 ${icon.width ?? width} ${icon.height ?? height}">${icon.body}</svg>`;
    const png = await sharp(Buffer.from(svg)).flatten({ background: '#ffffff' }).png().toBuffer();
    if (!seen.has(sha256(png)) && seen.add(sha256(png))) out.push(png);
  }
  return out;
}

const S = 192, cut = (share: number) => Math.round(S * share);
const variants: ((s: Sharp) => Sharp)[] = [
  (s) => s, ...[0.5, 0.75, 1.5, 2].map((f) => (p: Sharp) => p.resize(Math.round(S * f))), ...[30, 60, 95].map((q) => (p: Sharp) => p.jpeg({ quality: q })),
  (s) => s.extract({ left: cut(0.025), top: cut(0.025), width: cut(0.95), height: cut(0.95) }), (s) => s.extract({ left: cut(0.05), top: cut(0.05), width: cut(0.95), height: cut(0.95) }),
  (s) => s.linear(0.9, 0), (s) => s.linear(1.1, 0),
  ...['#000000', '#ffffff', '#cc3333'].map((background) => (p: Sharp) => p.extend({ top: 10, bottom: 10, left: 10, right: 10, background })),
];

async function signature(bytes: Buffer): Promise<Uint8Array> {
  return signatureOf(await reduced(openUpright(bytes, '#ffffff')));
}

/** Recall over pairs (original, variant); precision over all pairs that ended up in one group. */
async function measure(set: string, count: number): Promise<{ recall: number; precision: number }> {
  const signatures: Uint8Array[] = [];
  for (const original of await pictures(set, count)) for (const variant of variants) signatures.push(await signature(await variant(sharp(original)).toBuffer()));
  const groups = new Groups(signatures.length);
  await joinNearDuplicates({ n: signatures.length, signature: (i) => signatures[i]! }, groups);
  const roots = signatures.map((_, i) => groups.find(i));
  let found = 0, right = 0, all = 0;
  for (let p = 0; p < count; p++) for (let v = 1; v < variants.length; v++) if (roots[p * variants.length] === roots[p * variants.length + v]) found++;
  for (let i = 0; i < roots.length; i++) for (let j = 0; j < i; j++) if (roots[i] === roots[j]) { all++; if (Math.floor(i / variants.length) === Math.floor(j / variants.length)) right++; }
  return { recall: found / (count * (variants.length - 1)), precision: right / all };
}

group('near-duplicates', () => {
  it.each(['noto-v1', 'fluent-emoji-flat'])('resized, compressed, cropped, brightened and framed pictures of %s are found, and others are not', async (set) => {
    const { recall, precision } = await measure(set, 24);
    console.log(`${set}: recall ${recall.toFixed(4)}, precision ${precision.toFixed(4)}`);
    expect(recall).toBeGreaterThanOrEqual(0.95);
    expect(precision).toBeGreaterThanOrEqual(0.99);
  });

  it('are grouped in a data set, the best one kept on request, and undone', async () => {
    const folder = tempFolder();
    const [a, b] = await pictures('noto-v1', 2) as [Buffer, Buffer];
    put(folder, 'big.png', await sharp(a).resize(384).png().toBuffer());
    put(folder, 'copy.png', a);
    put(folder, 'copy2.png', a);
    put(folder, 'jpeg.jpg', await sharp(a).jpeg({ quality: 60 }).toBuffer());
    put(folder, 'other.png', b);
    const room = openRoom();
    const { id } = await room.import(folder);
    const files = Object.fromEntries((await room.items(id)).map((i) => [i.id, i.file]));
    const groups = await room.h['datasets.groups']({ id });
    expect(groups.map((g) => [files[g.keep], g.items.map((i) => files[i])])).toEqual([['big.png', ['big.png', 'copy.png', 'copy2.png', 'jpeg.jpg']]]);
    expect((await room.item(id, 'copy2.png')).flags).toContain('exact-duplicate');
    expect((await room.item(id, 'jpeg.jpg')).flags).toContain('near-duplicate');
    await room.h['datasets.keepBest']({ id });
    expect((await room.items(id, 'excluded:no')).map((i) => i.file)).toEqual(['big.png', 'other.png']);
    expect((await room.item(id, 'copy.png')).excluded_reason).toBe('a copy of big.png');
    await room.h['datasets.undo']({ id });
    expect(await room.items(id, 'excluded:no')).toHaveLength(5);
  });
});

group('the search', () => {
  it('finds exactly what comparing everything with everything finds, looking at few', () => {
    let s = 1;
    const next = () => { s = (s * 1103515245 + 12345) & 0x7fffffff; return s / 0x7fffffff; };
    const points = Array.from({ length: 800 }, (_, i) => describe(Uint8Array.from(pixels(i % 700, THUMB_SIDE, THUMB_SIDE), (v) => Math.min(255, v + Math.round(next() * 3)))));
    const tree = new KdTree(points);
    const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...Array.from({ length: DESCRIPTOR_LENGTH }, (_, d) => a[d]! - b[d]!));
    for (let i = 0; i < 100; i++) {
      const found: number[] = [];
      tree.within(points[i]!, 12, (j) => found.push(j));
      const near = points.flatMap((p, j) => (distance(p, points[i]!) <= 12 ? [j] : []));
      expect(found.sort((x, y) => x - y)).toEqual(near);
    }
  });

  it('does not grow with the square of the number of pictures', () => {
    const cost = (n: number): number => {
      let reads = 0;
      const points = Array.from({ length: n }, (_, i) => new Proxy(describe(pixels(i, THUMB_SIDE, THUMB_SIDE)), { get: (t, k) => { reads++; return Reflect.get(t, k) as unknown; } }));
      const tree = new KdTree(points), build = reads;
      const plain = points.map((p) => Float32Array.from({ length: DESCRIPTOR_LENGTH }, (_, d) => p[d]!));
      reads = 0;
      for (const p of plain) tree.within(p, 10, () => {});
      return reads / build;
    };
    expect(cost(600) / cost(150)).toBeLessThan(2.5);
  });
});
