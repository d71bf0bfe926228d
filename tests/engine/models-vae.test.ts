import { describe, expect, it } from 'vitest';
import { decode, decoderFeatures, encode, parseVaeConfig, vaeWeightShapes } from '../../main/engine/models/vae.ts';
import { initWeights } from '../../main/engine/models/init.ts';
import { readFixture, readJson, readWeights, toNhwc } from '../../main/engine/parity/fixture.ts';
import { contextOf, errorOf, PARITY, shapesOf, tensorOf } from './models-helpers.ts';

const config = parseVaeConfig(await readJson(`${PARITY}/tiny-sdxl/vae/config.json`));
const weights = await readWeights(`${PARITY}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`);
const golden = await readFixture(PARITY, 'vae');
const expected = (name: string) => toNhwc(golden.get(name)!);

describe('AutoencoderKL', () => {
  const ctx = contextOf(weights);

  it('lists exactly the checkpoint\'s weights', () => {
    expect(vaeWeightShapes(config)).toEqual(shapesOf(weights));
  });

  it.each(['', 'rect_'])('encodes and decodes as diffusers (%s)', (p) => {
    const { mean, logvar } = encode(ctx, config, tensorOf(expected(`${p}image`)));
    expect(errorOf(mean, expected(`${p}mean`))).toBeLessThan(1e-4);
    if (!p) expect(errorOf(logvar, expected('logvar'))).toBeLessThan(1e-4);
    expect(errorOf(decode(ctx, config, tensorOf(expected(`${p}mean`))), expected(`${p}decoded`))).toBeLessThan(1e-4);
  });

  it('gives the decoder features that LPL compares, and computes none too many', () => {
    const z = tensorOf(expected('mean'));
    const features = decoderFeatures(ctx, config, z, 4);
    expect(features).toHaveLength(5);
    features.forEach((f, i) => expect(errorOf(f, expected(`feature_${i}`)), `feature ${i}`).toBeLessThan(1e-4));
    expect(decoderFeatures(ctx, config, z, 1)).toHaveLength(2);
  });

  it('starts from PyTorch\'s default initialisation, the same for the same seed', () => {
    const a = initWeights(vaeWeightShapes(config), 7), b = initWeights(vaeWeightShapes(config), 7), c = initWeights(vaeWeightShapes(config), 8);
    const name = 'encoder.conv_in.weight';
    expect(a.get(name)).toEqual(b.get(name));
    expect(a.get(name)).not.toEqual(c.get(name));
    const bound = 1 / Math.sqrt(27);
    expect(Math.max(...a.get(name)!)).toBeLessThanOrEqual(bound);
    expect(Math.max(...a.get(name)!)).toBeGreaterThan(0.9 * bound);
    expect(a.get('encoder.conv_norm_out.weight')!.every((v) => v === 1)).toBe(true);
    expect(a.get('encoder.conv_norm_out.bias')!.every((v) => v === 0)).toBe(true);
    expect(Math.max(...a.get('encoder.conv_in.bias')!.map(Math.abs))).toBeLessThanOrEqual(bound);
  });

  it('refuses another network by name', () => {
    expect(() => parseVaeConfig({ _class_name: 'AutoencoderKLWan' })).toThrow(expect.objectContaining({ code: 'model.unsupported' }));
    expect(() => parseVaeConfig({ block_out_channels: [8], down_block_types: ['AttnDownEncoderBlock2D'] })).toThrow(/down_block_types\.0/);
  });
});
