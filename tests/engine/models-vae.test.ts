import { describe, expect, it } from 'vitest';
import { decoderFeatures, parseVaeConfig, vaeFactor, vaeWeightShapes } from '../../main/engine/models/vae.ts';
import { initWeights } from '../../main/engine/models/init.ts';
import { readFixture, readJson, readWeights, toNhwc } from '../../main/engine/parity/fixture.ts';
import { contextOf, PARITY, shapesOf, tensorOf } from './models-helpers.ts';

const config = parseVaeConfig(await readJson(`${PARITY}/tiny-sdxl/vae/config.json`));
const weights = await readWeights(`${PARITY}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`);

describe('AutoencoderKL', () => {
  it('lists exactly the checkpoint\'s weights', () => {
    expect(vaeWeightShapes(config)).toEqual(shapesOf(weights));
    expect(vaeFactor(config)).toBe(8);
  });

  it('computes no decoder block past the last one asked for', async () => {
    const ctx = contextOf(weights), used = new Set<string>();
    const watched = { ...ctx, w: (name: string) => { used.add(name); return ctx.w(name); } };
    const z = tensorOf(toNhwc((await readFixture(PARITY, 'vae')).get('mean')!));
    expect(decoderFeatures(watched, config, z, 1)).toHaveLength(2);
    expect([...used].filter((n) => !/^decoder\.(conv_in|mid_block|up_blocks\.0)\./.test(n))).toEqual([]);
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
