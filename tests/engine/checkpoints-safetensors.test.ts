import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../main/contract/errors.ts';
import { bytesToFloat, floatToBytes, floatToHalf, halfToFloat } from '../../main/engine/checkpoint/dtype.ts';
import { duplicateKeys } from '../../main/engine/checkpoint/header.ts';
import { toTfjsLayout, toTorchLayout } from '../../main/engine/checkpoint/layout.ts';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { verifyWritten, writeSafetensors, type TensorToWrite } from '../../main/engine/checkpoint/writeSafetensors.ts';
import { errorOf, floats, put, rawFile, tempFolder } from './checkpoints-helpers.ts';

let folder: string;
beforeAll(async () => { folder = await tempFolder(); });

const open = async (bytes: Uint8Array | string, name = 'x.safetensors') => SafetensorsFile.open(await put(folder, name, bytes));
const f32 = (begin: number, end: number, shape = [(end - begin) / 4]) => ({ dtype: 'F32', shape, data_offsets: [begin, end] });

describe('reading', () => {
  it('reads values, rows, metadata and every float format', async () => {
    const half = floatToBytes(Float32Array.of(1.5, -2), 'F16'), brain = floatToBytes(Float32Array.of(0.25, 1e30), 'BF16');
    const data = Buffer.concat([floats(1, 2, 3, 4, 5, 6), half, brain, new Uint8Array(BigInt64Array.of(7n).buffer)]);
    const file = await open(rawFile({ a: f32(0, 24, [3, 2]), h: { dtype: 'F16', shape: [2], data_offsets: [24, 28] }, b: { dtype: 'BF16', shape: [2], data_offsets: [28, 32] }, alpha: { dtype: 'I64', shape: [], data_offsets: [32, 40] }, __metadata__: { who: 'me' } }, data));
    expect([...await file.readFloat('a')]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...await file.readFloat('a', [1, 2])]).toEqual([3, 4, 5, 6]);
    expect([...await file.readFloat('h')]).toEqual([1.5, -2]);
    expect((await file.readFloat('b'))[1]! / 1e30).toBeCloseTo(1, 2);
    expect([...await file.readFloat('alpha')]).toEqual([7]);
    expect(file.metadata).toEqual({ who: 'me' });
    expect((await errorOf(file.readFloat('missing'))).code).toBe('model.missing_tensor');
    await file.close();
  });

  const data = floats(1, 2, 3, 4);
  const hostile: [string, Uint8Array | string, string, RegExp][] = [
    ['a header longer than the file', rawFile({}, data, 10n ** 6n), 'model.damaged', /incomplete/],
    ['a header of exabytes', rawFile({}, data, 2n ** 63n), 'model.damaged', /more than the format allows/],
    ['broken JSON', rawFile('{"a":', data), 'model.damaged', /JSON/],
    ['invalid UTF-8', rawFile('{}', data).map((b, i) => (i === 9 ? 0xff : b)), 'model.damaged', /JSON/],
    ['a name twice', rawFile(`{"a":${JSON.stringify(f32(0, 16))},"\\u0061":${JSON.stringify(f32(0, 16))}}`, data), 'model.damaged', /twice/],
    ['offsets twice in one entry', rawFile('{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8],"data_offsets":[0,16]}}', data), 'model.damaged', /twice/],
    ['an overlap', rawFile({ a: f32(0, 12), b: f32(8, 16) }, data), 'model.damaged', /overlaps/],
    ['a gap', rawFile({ a: f32(0, 4), b: f32(8, 16) }, data), 'model.damaged', /unexplained/],
    ['bytes after the last tensor', rawFile({ a: f32(0, 12) }, data), 'model.damaged', /unexplained/],
    ['offsets past the end', rawFile({ a: f32(0, 32) }, data), 'model.damaged', /too early/],
    ['offsets backwards', rawFile({ a: { dtype: 'F32', shape: [4], data_offsets: [16, 0] } }, data), 'model.damaged', /needs 16/],
    ['a fractional offset', rawFile({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 15.5] } }, data), 'model.damaged', /offsets/],
    ['a shape that does not fit', rawFile({ a: f32(0, 16, [5]) }, data), 'model.damaged', /needs 20/],
    ['a shape that overflows', rawFile({ a: f32(0, 16, [2 ** 40, 2 ** 40]) }, data), 'model.damaged', /"a" has the shape \[1099511627776, 1099511627776\], larger than any file/],
    ['a negative side', rawFile({ a: f32(0, 16, [-1, -4]) }, data), 'model.damaged', /shape/],
    ['an unknown number format', rawFile({ a: { dtype: 'F99', shape: [4], data_offsets: [0, 16] } }, data), 'model.damaged', /F99/],
    ['metadata that is not text', rawFile({ a: f32(0, 16), __metadata__: { n: 1 } }, data), 'model.damaged', /metadata/],
    ['an array for a header', rawFile('[1,2,3]', data), 'model.not_safetensors', /header/],
    ['a torch zip', 'PK\x03\x04 archive/data.pkl and more', 'model.pickle_refused', /never opened/],
    ['a bare pickle', Buffer.from('80027d71005805000000', 'hex'), 'model.pickle_refused', /pickle/],
    ['an LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:1\n', 'model.not_safetensors', /LFS/],
    ['a web page', '<!DOCTYPE html><html>', 'model.not_safetensors', /web page/],
    ['an empty file', '', 'model.not_safetensors', /0 bytes/],
  ];
  it.each(hostile)('refuses %s', async (_, bytes, code, message) => {
    const error = await errorOf(open(bytes));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint.length).toBeGreaterThan(10);
  });

  it('says that a file does not exist', async () => {
    expect((await errorOf(SafetensorsFile.open(join(folder, 'nowhere.safetensors')))).code).toBe('file.not_found');
  });

  it('answers any header with a file or an AppError, never with anything else', async () => {
    const offsets = fc.array(fc.oneof(fc.integer({ min: -4, max: 24 }), fc.double()), { maxLength: 3 });
    const entry = fc.record({ dtype: fc.constantFrom('F32', 'F16', 'I64', 'X', 3), shape: fc.array(fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constant(1e300)), { maxLength: 4 }), data_offsets: offsets }, { requiredKeys: [] });
    const header = fc.oneof(fc.dictionary(fc.string(), fc.oneof(entry, fc.jsonValue())).map((h) => JSON.stringify(h)), fc.string());
    await fc.assert(fc.asyncProperty(header, fc.uint8Array({ maxLength: 24 }), fc.option(fc.bigInt(0n, 2n ** 64n - 1n)), async (text, data, length) => {
      try {
        const file = await open(rawFile(text, data, length ?? undefined), 'fuzz.safetensors');
        for (const name of file.tensors.keys()) await file.readBytes(name);
        await file.close();
      } catch (error) { expect(error).toBeInstanceOf(AppError); }
    }), { numRuns: 300 });
  });

  it('finds duplicate keys exactly where JSON has them', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => { expect(duplicateKeys(JSON.stringify(object))).toEqual([]); }));
    expect(duplicateKeys('{"a":{"x":1,"y":"x"},"b":{"x":"}"},"a":1}')).toEqual(['a']);
  });
});

describe('writing', () => {
  const tensors = (count: number): TensorToWrite[] => Array.from({ length: count }, (_, i) => ({ name: `t${i}`, dtype: i % 2 ? 'F16' as const : 'F32' as const, shape: [3, i], bytes: () => floatToBytes(new Float32Array(3 * i).fill(i), i % 2 ? 'F16' : 'F32') }));

  it('writes what it reads, with the hashes of the bytes on disk', async () => {
    const path = join(folder, 'deep', 'out.safetensors');
    const written = await writeSafetensors(path, tensors(7), { note: 'ü' });
    const bytes = await readFile(path), file = await SafetensorsFile.open(path);
    expect(written.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(written.dataSha256).toBe(createHash('sha256').update(bytes.subarray(file.dataBegin)).digest('hex'));
    expect(written.bytes).toBe(bytes.length);
    expect(file.metadata).toEqual({ note: 'ü' });
    for (let i = 0; i < 7; i++) expect([...await file.readFloat(`t${i}`)]).toEqual(new Array(3 * i).fill(i));
    for (const t of file.tensors.values()) expect(t.begin % (t.dtype === 'F32' ? 4 : 2)).toBe(0);
    await file.close();
    await verifyWritten(written, tensors(7));
  });

  it('notices on reading back that the disk changed a byte', async () => {
    const path = join(folder, 'flip.safetensors'), written = await writeSafetensors(path, tensors(3));
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    expect((await errorOf(verifyWritten(written, tensors(3)))).code).toBe('file.readback');
    await truncate(path, bytes.length - 3);
    expect((await errorOf(SafetensorsFile.open(path))).message).toMatch(/3 bytes too early/);
  });

  it('leaves the old file, and no temporary one, when writing fails', async () => {
    const own = await tempFolder(), path = await put(own, 'keep.safetensors', 'old');
    const broken: TensorToWrite = { name: 'u', dtype: 'F32', shape: [2], bytes: () => { throw new Error('gone'); } };
    await expect(writeSafetensors(path, [...tensors(2), broken])).rejects.toThrow('gone');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(own)).toEqual(['keep.safetensors']);
  });

  it('says before writing that the disk is too small', async () => {
    const huge: TensorToWrite = { name: 'u', dtype: 'F32', shape: [2 ** 48], bytes: () => { throw new Error('asked'); } };
    expect((await errorOf(writeSafetensors(join(folder, 'huge.safetensors'), [huge]))).code).toBe('disk.full');
  });
});

describe('number formats and layouts', () => {
  it('rounds float32 to float16 and bfloat16 to nearest even, and back', () => {
    const own = (v: number, d: 'F16' | 'BF16') => halfToFloat(floatToHalf(Float32Array.of(v), d), d)[0]!;
    for (let bits = 0; bits < 65536; bits += 7) for (const d of ['F16', 'BF16'] as const) {
      const value = halfToFloat(Uint16Array.of(bits), d)[0]!;
      if (!Number.isNaN(value)) expect(floatToHalf(Float32Array.of(value), d)[0]).toBe(bits);
    }
    const f16round = (Math as unknown as { f16round?: (v: number) => number }).f16round;
    fc.assert(fc.property(fc.float({ noNaN: true }), (v) => { if (f16round) expect(own(v, 'F16')).toBe(f16round(v)); }), { numRuns: 2000 });
    for (const v of [65504, 65519.99, 65520, 6e-8, 2.9e-8, 3e-8, 1 + 2 ** -11, 1 + 3 * 2 ** -11]) expect(own(v, 'F16')).toBe(f16round!(Math.fround(v)));
    expect([own(NaN, 'F16'), own(NaN, 'BF16')]).toEqual([NaN, NaN]);
    expect([own(1 + 2 ** -8, 'BF16'), own(1 + 3 * 2 ** -8, 'BF16')]).toEqual([1, 1 + 2 ** -6]);
    expect(bytesToFloat(new Uint8Array(1), 'F8_E4M3')).toBeUndefined();
  });

  it('moves OIHW to HWIO and [out, in] to [in, out], and back to the same', () => {
    const w = Float32Array.from({ length: 5 * 3 * 2 * 2 }, (_, i) => i), hwio = toTfjsLayout('conv.weight', [5, 3, 2, 2], w);
    for (let o = 0; o < 5; o++) for (let i = 0; i < 3; i++) for (let y = 0; y < 2; y++) for (let x = 0; x < 2; x++)
      expect(hwio[((y * 2 + x) * 3 + i) * 5 + o]).toBe(w[((o * 3 + i) * 2 + y) * 2 + x]);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }), (shape) => {
      const data = Uint16Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i);
      expect(toTorchLayout('l.weight', shape, toTfjsLayout('l.weight', shape, data))).toEqual(data);
    }));
    const table = Float32Array.of(1, 2, 3, 4);
    expect(toTfjsLayout('text_model.embeddings.token_embedding.weight', [2, 2], table)).toBe(table);
  });
});
