import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { openUpright } from '../../main/datasets/decode.ts';
import { probeImage } from '../../main/datasets/probe.ts';
import { openRoom, put, tempFolder } from './helpers.ts';

/** 24 × 16: red, green / blue, white quarters, upright. */
const quarters = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]] as const;
function upright(width = 24, height = 16): Buffer {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(quarters[(y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1)]!, (y * width + x) * 3);
  return data;
}

/** EXIF 2.32, 4.6.4: which sides of the visual picture the stored 0th row and 0th column are. */
const sides: Record<number, [row: 'top' | 'bottom' | 'left' | 'right', column: 'top' | 'bottom' | 'left' | 'right']> = {
  1: ['top', 'left'], 2: ['top', 'right'], 3: ['bottom', 'right'], 4: ['bottom', 'left'], 5: ['left', 'top'], 6: ['right', 'top'], 7: ['right', 'bottom'], 8: ['left', 'bottom'],
};
/** The upright picture as a camera stores it with this orientation. */
function storedAs(orientation: number, width: number, height: number): { data: Buffer; width: number; height: number } {
  const source = upright(width, height), [row, column] = sides[orientation]!;
  const swapped = row === 'left' || row === 'right';
  const [w, h] = swapped ? [height, width] : [width, height];
  const data = Buffer.alloc(source.length);
  for (let r = 0; r < h; r++) for (let c = 0; c < w; c++) {
    const place = { top: (v: number) => ({ y: v }), bottom: (v: number) => ({ y: height - 1 - v }), left: (v: number) => ({ x: v }), right: (v: number) => ({ x: width - 1 - v }) };
    const { x, y } = { ...place[row](r), ...place[column](c) } as { x: number; y: number };
    source.copy(data, (r * w + c) * 3, (y * width + x) * 3, (y * width + x) * 3 + 3);
  }
  return { data, width: w, height: h };
}

async function corners(bytes: Buffer): Promise<{ size: number[]; colours: number[][] }> {
  const { data, info } = await openUpright(bytes, '#ffffff').raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  return { size: [info.width, info.height], colours: [at(2, 2), at(info.width - 3, 2), at(2, info.height - 3), at(info.width - 3, info.height - 3)] };
}

describe('EXIF orientation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i is applied', async (orientation) => {
    const { data, width, height } = storedAs(orientation, 24, 16);
    const bytes = await sharp(data, { raw: { width, height, channels: 3 } }).withMetadata({ orientation }).png().toBuffer();
    expect(await corners(bytes)).toEqual({ size: [24, 16], colours: quarters.map((q) => [...q]) });
    const folder = tempFolder();
    put(folder, 'a.png', bytes);
    expect(await probeImage(join(folder, 'a.png'), '#ffffff')).toMatchObject({ ok: true, facts: { width: 24, height: 16, orientation } });
  });
});

/** A matrix profile (ICC.1:2022) of primaries given as XYZ (D50) columns and a gamma. */
function profile(name: string, xyz: number[][], gamma: number): Buffer {
  const s15 = (v: number): Buffer => { const b = Buffer.alloc(4); b.writeInt32BE(Math.round(v * 65536)); return b; };
  const tag = (type: string, ...parts: Buffer[]): Buffer => { const b = Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...parts]); return Buffer.concat([b, Buffer.alloc((4 - (b.length % 4)) % 4)]); };
  const u16 = (v: number): Buffer => { const b = Buffer.alloc(2); b.writeUInt16BE(v); return b; };
  const u32 = (v: number): Buffer => { const b = Buffer.alloc(4); b.writeUInt32BE(v); return b; };
  const description = tag('desc', u32(name.length + 1), Buffer.from(`${name}\0`), Buffer.alloc(78));
  const point = (v: number[]): Buffer => tag('XYZ ', ...v.map(s15));
  const curve = tag('curv', u32(1), u16(Math.round(gamma * 256)), u16(0));
  const tags: [string, Buffer][] = [['desc', description], ['cprt', tag('text', Buffer.from('none\0'))], ['wtpt', point([0.9642, 1, 0.8249])], ['rXYZ', point(xyz[0]!)], ['gXYZ', point(xyz[1]!)], ['bXYZ', point(xyz[2]!)], ['rTRC', curve], ['gTRC', curve], ['bTRC', curve]];
  let offset = 128 + 4 + 12 * tags.length;
  const table = tags.map(([t, data]) => { const entry = Buffer.concat([Buffer.from(t), u32(offset), u32(data.length)]); offset += data.length; return entry; });
  const header = Buffer.alloc(128);
  header.writeUInt32BE(offset, 0); header.writeUInt32BE(0x02100000, 8); header.write('mntrRGB XYZ ', 12); header.write('acsp', 36);
  header.write('\0\0\xf6\xd6\0\x01\0\0\0\0\xd3\x2d', 68, 'latin1');
  return Buffer.concat([header, u32(tags.length), ...table, ...tags.map(([, data]) => data)]);
}

/** PNG with an embedded profile around pixels that are already in it. */
async function tagged(pixel: number[], icc: Buffer): Promise<Buffer> {
  const path = join(tempFolder(), 'p.icc');
  put(join(path, '..'), 'p.icc', icc);
  const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: pixel[0]!, g: pixel[1]!, b: pixel[2]! } } }).png().toBuffer();
  const chunkAfterHeader = 8 + 25;
  const { crc32, deflateSync } = await import('node:zlib');
  const body = Buffer.concat([Buffer.from('iCCP'), Buffer.from('p\0\0', 'latin1'), deflateSync(readFileSync(path))]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(body.length - 4, 0); frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([plain.subarray(0, chunkAfterHeader), frame.subarray(0, 4), body, frame.subarray(4), plain.subarray(chunkAfterHeader)]);
}

const encode = (v: number): number => Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
const sRgbFromXyz = [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.033454], [0.0719453, -0.2289914, 1.4052427]];
/** What sRGB shows for a pixel of the profile: matrix, Bradford-adapted D50, clipped (Lindbloom's matrices). */
function expected(pixel: number[], xyz: number[][], gamma: number): number[] {
  const linear = pixel.map((v) => (v / 255) ** gamma);
  const XYZ = [0, 1, 2].map((i) => linear[0]! * xyz[0]![i]! + linear[1]! * xyz[1]![i]! + linear[2]! * xyz[2]![i]!);
  return sRgbFromXyz.map((row) => encode(Math.min(Math.max(row[0]! * XYZ[0]! + row[1]! * XYZ[1]! + row[2]! * XYZ[2]!, 0), 1)));
}

const adobe = [[0.6097559, 0.3111242, 0.0194811], [0.2052401, 0.6256560, 0.0608902], [0.1492240, 0.0632197, 0.7448387]];
const p3 = [[0.5151, 0.2412, -0.0011], [0.2919, 0.6922, 0.0419], [0.1572, 0.0666, 0.7841]];

describe('embedded profiles become sRGB', () => {
  it.each([['Adobe RGB', adobe, 2.19921875], ['Display P3', p3, 2.2]] as const)('%s', async (name, xyz, gamma) => {
    for (const pixel of [[200, 100, 50], [90, 160, 120], [128, 128, 128]]) {
      const bytes = await tagged(pixel, profile(name, xyz as unknown as number[][], gamma));
      const { colours } = await corners(bytes);
      const want = expected(pixel, xyz as unknown as number[][], gamma);
      colours[0]!.forEach((v, i) => expect(Math.abs(v - want[i]!), `${pixel.join()} → ${colours[0]!.join()} instead of ${want.join()}`).toBeLessThanOrEqual(3));
      if (pixel[0] !== pixel[1]) expect(Math.max(...pixel.map((v, i) => Math.abs(v - colours[0]![i]!)))).toBeGreaterThan(8);
      const folder = tempFolder();
      put(folder, 'a.png', bytes);
      expect(await probeImage(join(folder, 'a.png'), '#ffffff')).toMatchObject({ facts: { profile: name } });
    }
  });

  it('sRGB, grey, 16-bit and CMYK pictures come out as 8-bit RGB', async () => {
    const plain = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 100, b: 50 } } });
    expect((await corners(await plain.clone().withIccProfile('srgb').png().toBuffer())).colours[0]).toEqual([200, 100, 50]);
    const grey = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#808080' } }).toColourspace('b-w').png().toBuffer();
    expect((await sharp(grey).metadata()).channels).toBe(1);
    expect((await corners(grey)).colours[0]).toEqual([128, 128, 128]);
    expect((await corners(await plain.clone().toColourspace('rgb16').png().toBuffer())).colours[0]).toEqual([200, 100, 50]);
    const cmyk = await corners(await plain.clone().toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer());
    cmyk.colours[0]!.forEach((v, i) => expect(Math.abs(v - [200, 100, 50][i]!)).toBeLessThan(40));
  });
});

describe('transparency', () => {
  /** Garbage under alpha 0 on the left, half-transparent red on the right. */
  const garbage = (): Promise<Buffer> => {
    const data = Buffer.alloc(32 * 32 * 4);
    for (let i = 0; i < 32 * 32; i++) data.set(i % 32 < 16 ? [(i * 37) % 256, (i * 91) % 256, (i * 53) % 256, 0] : [255, 0, 0, 128], i * 4);
    return sharp(data, { raw: { width: 32, height: 32, channels: 4 } }).png().toBuffer();
  };

  it.each([['#ffffff', [255, 255, 255], [255, 127, 127]], ['#204060', [32, 64, 96], [144, 32, 48]]] as const)('is flattened on %s, never on the hidden colour, at any size', async (background, ground, mixed) => {
    const bytes = await garbage();
    for (const side of [32, 16, 8]) {
      const { data } = await openUpright(bytes, background).resize(side, side, { kernel: 'nearest' }).raw().toBuffer({ resolveWithObject: true });
      expect([...data.subarray(0, 3)]).toEqual(ground);
      const last = [...data.subarray(data.length - 3)];
      last.forEach((v, i) => expect(Math.abs(v - mixed[i]!)).toBeLessThanOrEqual(1));
    }
  });

  it('shows the data set\'s colour in thumbnails, and a new one after the colour is changed', async () => {
    const folder = tempFolder();
    put(folder, 'a.png', await garbage());
    const room = openRoom();
    const { id } = await room.import(folder, { background: '#00ff00' });
    const [item] = await room.items(id);
    const corner = async () => [...(await sharp((await room.service.media('thumb', item!.id)).file).raw().toBuffer()).subarray(0, 3)];
    const near = (a: number[], b: number[]) => a.forEach((v, i) => expect(Math.abs(v - b[i]!)).toBeLessThan(12));
    near(await corner(), [0, 255, 0]);
    await room.h['datasets.settings']({ id, changes: { background: '#0000ff' } });
    near(await corner(), [0, 0, 255]);
  });
});
