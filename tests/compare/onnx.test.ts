import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { onnxInfo, openOnnx } from '../../main/engine/evaluation/onnxFeatures.ts';
import { builtinVocabulary } from '../../main/engine/models/clipVocabulary.ts';
import { makeTokenizer } from '../../main/engine/models/tokenizer.ts';
import { errorOf, tempDir } from '../engine/train-helpers.ts';
import { writeClipOnnx, writeImageOnnx, writeMarkOnnx } from './tinyOnnx.ts';

const red = { pixels: Uint8Array.from({ length: 40 * 20 * 3 }, (_, i) => (i % 3 === 0 ? 255 : 51)), size: { width: 40, height: 20 } };

describe('an ONNX model as feature space', () => {
  it('is fed as its preprocessor_config.json says, also from one folder up, and maps are averaged', async () => {
    const dir = tempDir();
    mkdirSync(join(dir, 'onnx'));
    writeFileSync(join(dir, 'preprocessor_config.json'), JSON.stringify({ size: { shortest_edge: 40 }, crop_size: { height: 32, width: 32 }, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.25] }));
    const file = writeImageOnnx(join(dir, 'onnx', 'inception.onnx')), space = await openOnnx(file);
    const { features, embedding } = await space.picture(red.pixels, red.size);
    [...features].forEach((v, c) => expect(v).toBeCloseTo([1, -0.6, -1.2][c]!, 5));
    expect(embedding).toBeNull();
    expect(await space.text('red')).toBeNull();
    expect(space.info).toMatchObject({ id: 'onnx', title: 'inception.onnx (ONNX, 32 px)', dimensions: 3 });
    expect(await onnxInfo(file)).toEqual(space.info);
    space.dispose();
  });

  it('compares prompts with pictures where it is a whole CLIP, with CLIP\'s tokens and colours', async () => {
    const space = await openOnnx(writeClipOnnx(join(tempDir(), 'clip.onnx'))), ids = makeTokenizer(await builtinVocabulary('<|endoftext|>')).encode('a red apple');
    const told = [ids[0]!, ids[1]!, ids.reduce((s, v) => s + v, 0)], norm = Math.hypot(...told);
    [...(await space.text('a red apple'))!].forEach((v, i) => expect(v).toBeCloseTo(told[i]! / norm, 6));
    const { features, embedding } = await space.picture(red.pixels, red.size);
    [...features].forEach((v, c) => expect(v).toBeCloseTo(((c ? 0.2 : 1) - [0.48145466, 0.4578275, 0.40821073][c]!) / [0.26862954, 0.26130258, 0.27577711][c]!, 3));
    expect(Math.hypot(...embedding!)).toBeCloseTo(1, 6);
    expect(space.info.title).toBe('clip.onnx (ONNX, 224 px, pictures prepared as for CLIP)');
    space.dispose();
  });

  it('says what is wrong with a file that cannot be used', async () => {
    const dir = tempDir(), broken = join(dir, 'broken.onnx');
    writeFileSync(broken, 'not a model');
    expect((await errorOf(() => openOnnx(join(dir, 'none.onnx')))).code).toBe('evaluation.onnx_no_file');
    expect((await errorOf(() => openOnnx(broken))).code).toBe('evaluation.onnx_damaged');
    const wrongSize = await errorOf(() => openOnnx(writeImageOnnx(join(dir, 'image.onnx'))));
    expect(wrongSize).toMatchObject({ code: 'evaluation.onnx_failed', hint: expect.stringContaining('preprocessor_config.json') as string });
    expect(await errorOf(() => openOnnx(writeMarkOnnx(join(dir, 'saliency.onnx'))))).toMatchObject({ code: 'evaluation.onnx_no_features', message: expect.stringContaining('one number a picture') as string });
    writeFileSync(join(dir, 'preprocessor_config.json'), '{"size": "large"}');
    expect((await errorOf(() => openOnnx(join(dir, 'image.onnx')))).code).toBe('evaluation.onnx_config');
  });
});
