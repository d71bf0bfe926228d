import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../main/engine/backend/executor.ts';
import { decode, parseVaeConfig } from '../../main/engine/models/vae.ts';
import { decodeTiled, planTiles, tileStarts } from '../../main/engine/models/vaeTiling.ts';
import { readJson, readWeights, relativeError } from '../../main/engine/parity/fixture.ts';
import { normal } from '../../main/engine/random.ts';
import { tf } from '../../main/engine/tf.ts';
import { contextOf, PARITY, tensorOf } from './models-helpers.ts';

/** ×2 nearest neighbour: a decoder that looks at nothing but its own pixel. */
const double = ({ shape, data }: HostTensor): Promise<HostTensor> => {
  const [, h, w, c] = shape as [number, number, number, number], out = new Float32Array(4 * data.length);
  for (let y = 0; y < 2 * h; y++) for (let x = 0; x < 2 * w; x++) for (let k = 0; k < c; k++) out[(y * 2 * w + x) * c + k] = data[((y >> 1) * w + (x >> 1)) * c + k]!;
  return Promise.resolve({ shape: [1, 2 * h, 2 * w, c], data: out });
};
const latent = (h: number, w: number, c = 4) => ({ shape: [1, h, w, c], data: normal({ seed: 1, stream: 'test' }, h * w * c) });

describe('tiled decoding', () => {
  it('covers every length with overlapping tiles of one size', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 4, max: 128 }), (length, tile) => {
      const overlap = Math.floor(tile / 4), starts = tileStarts(length, tile, overlap);
      expect(starts[0]).toBe(0);
      if (length > tile) expect(starts.at(-1)! + tile).toBe(length);
      for (let i = 1; i < starts.length; i++) expect(starts[i - 1]! + tile - starts[i]!).toBeGreaterThanOrEqual(overlap);
    }), { seed: 2 });
  });

  it('is exact where a pixel depends on its own latent only, whatever the overlaps', async () => {
    for (const [h, w] of [[20, 33], [17, 16], [41, 9]] as const) {
      const z = latent(h, w), whole = await double(z);
      const tiled = await decodeTiled(z, { height: Math.min(16, h), width: Math.min(16, w), overlap: 4 }, 2, double);
      expect(tiled.shape).toEqual(whole.shape);
      expect(relativeError(tiled, whole as { shape: number[]; data: Float32Array })).toBeLessThan(1e-6);
    }
  });

  it('blends: across a seam the picture goes over gradually from one tile to the next', async () => {
    let n = 0;
    const flat = ({ shape: [, h, w] }: HostTensor): Promise<HostTensor> => Promise.resolve({ shape: [1, h!, w!, 1], data: new Float32Array(h! * w!).fill(n++) });
    const { data } = await decodeTiled(latent(8, 28), { height: 8, width: 16, overlap: 4 }, 1, flat);
    const row = [...data.slice(0, 28)];
    expect(row.slice(0, 12)).toEqual(new Array(12).fill(0));
    expect(row.slice(16)).toEqual(new Array(12).fill(1));
    expect(row.slice(12, 16)).toEqual([0.125, 0.375, 0.625, 0.875]);
  });

  it('keeps the VAE\'s picture, and no call sees more than a tile', async () => {
    const config = parseVaeConfig(await readJson(`${PARITY}/tiny-sdxl/vae/config.json`));
    const ctx = contextOf(await readWeights(`${PARITY}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`));
    const run = async (z: HostTensor): Promise<HostTensor & { data: Float32Array }> => tf.tidy(() => {
      const image = decode(ctx, config, tensorOf(z as { shape: number[]; data: Float32Array }));
      return { shape: image.shape, data: image.dataSync() as Float32Array };
    });
    const z = latent(24, 40), seen = new Set<string>();
    const tiled = await decodeTiled(z, { height: 16, width: 16, overlap: 4 }, 8, (tile) => { seen.add(tile.shape.join()); return run(tile); });
    expect([...seen]).toEqual(['1,16,16,4']);
    const whole = await run(z), mean = (f: (i: number) => number): number => whole.data.reduce((s, _, i) => s + f(i), 0) / whole.data.length;
    expect(tiled.shape).toEqual(whole.shape);
    const difference = Math.sqrt(mean((i) => (tiled.data[i]! - whole.data[i]!) ** 2)), spread = Math.sqrt(mean((i) => whole.data[i]! ** 2));
    expect(difference / spread).toBeLessThan(0.6); // norms and attention see one tile only, and this VAE is random; pictures that have nothing in common give 1.4
  });

  it('tiles only what is larger than the VAE was trained for', () => {
    const sdxl = parseVaeConfig({ block_out_channels: [128, 256, 512, 512], sample_size: 1024 });
    expect(planTiles(sdxl, 128, 128)).toBeUndefined();
    expect(planTiles(sdxl, 256, 96)).toEqual({ height: 128, width: 96, overlap: 32 });
    expect(planTiles(parseVaeConfig({ block_out_channels: [8, 8, 8, 8] }), 80, 80)).toEqual({ height: 64, width: 64, overlap: 16 });
  });
});
