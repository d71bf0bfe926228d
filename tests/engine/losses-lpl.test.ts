import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { lplLoss, lplTargetNames, lplTargets, type LatentDecoder } from '../../main/engine/losses/latentPerceptualLoss.ts';
import { lplTargetShapes } from '../../main/engine/losses/lplShapes.ts';
import { LPL_RECOMMENDED, type LplOptions } from '../../main/engine/losses/lplOptions.ts';
import { combineStatistics } from '../../main/engine/losses/lplStatistics.ts';
import { lplCases } from '../../main/engine/parity/lpl.ts';
import { parseVaeConfig } from '../../main/engine/models/vae.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { compared, fixture, relativeError } from './math-helpers.ts';

beforeAll(() => { loadNodeBackend(); });
const random = (shape: number[], seed: number): Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
/** Stands for a decoder: each block is the latent scaled, squared and repeated over channels. */
const toy: LatentDecoder = {
  features: (z, blocks) => Array.from({ length: blocks + 1 }, (_, i) => tf.add(tf.tile(tf.square(z), [1, 1, 1, 2]), tf.tile(tf.mul(z, i + 1), [1, 1, 1, 2]))),
  image: (z) => tf.slice(tf.mul(z, 2), [0, 0, 0, 0], [z.shape[0]!, z.shape[1]!, z.shape[2]!, 3]),
};

describe('against the reference', () => {
  // one case of every option's every value; `lpl parity` runs all 120
  const chosen = [0, 1, 9, 18, 29, 39, 49, 59, 61, 74, 87, 99, 109, 119];
  it('losses, layers, statistics and gradients', async () => {
    const results = await compared(lplCases(fixture('parity'), (i) => chosen.includes(i)));
    expect(results.filter((r) => !r.pass)).toEqual([]);
    expect(results).toHaveLength(chosen.length * 6);
  });

  describe('a changed expected value fails', () => {
    const dir = mkdtempSync(join(tmpdir(), 'lpl-'));
    afterAll(() => rmSync(dir, { recursive: true }));
    it.each(['loss', 'layers', 'stats'] as const)('%s', async (key) => {
      symlinkSync(join(fixture('parity'), 'tiny-sdxl'), join(dir, 'tiny-sdxl'));
      cpSync(join(fixture('parity'), 'lpl.safetensors'), join(dir, 'lpl.safetensors'));
      const meta = JSON.parse(readFileSync(join(fixture('parity'), 'lpl.json'), 'utf8'));
      const c = meta.cases[9];
      if (key === 'loss') c.loss[0] *= 1.001; else if (key === 'layers') c.layers[2][1] *= 1.001; else c.stats[3].mean *= 1.01;
      writeFileSync(join(dir, 'lpl.json'), JSON.stringify(meta));
      const failed = (await compared(lplCases(dir, (i) => i === 9))).filter((r) => !r.pass).map((r) => r.quantity);
      rmSync(join(dir, 'tiny-sdxl'));
      expect(failed).toEqual([`case 9: ${{ loss: 'loss', layers: 'layer losses', stats: 'statistics: mean' }[key]}`]);
    });
  });
});

describe('what the reference does not have', () => {
  it('standardize: both by the target\'s channel mean and deviation', () => {
    const o: LplOptions = { loss_type: 'mse', norm_type: 'standardize', pow_law: false, num_blocks: 0, remove_outliers: false };
    const z0 = random([2, 4, 4, 4], 1), z = random([2, 4, 4, 4], 2);
    const got = lplLoss(toy, o, z, lplTargets(toy, o, z0)).perSample.dataSync();
    const [x, y] = [z, z0].map((t) => toy.features(t, 0)[0]!.arraySync() as number[][][][]);
    const expected = [0, 1].map((n) => {
      let sum = 0;
      for (let c = 0; c < 8; c++) {
        const ys = y![n]!.flat().map((p) => p[c]!), xs = x![n]!.flat().map((p) => p[c]!);
        const mean = ys.reduce((a, b) => a + b) / ys.length, sd = Math.sqrt(ys.reduce((a, b) => a + (b - mean) ** 2, 0) / ys.length);
        sum += xs.reduce((a, v, i) => a + ((v - ys[i]!) / sd) ** 2, 0) / xs.length;
      }
      return sum / 8;
    });
    expect(relativeError(got, expected)).toBeLessThan(1e-4);
  });
  it('image: the mean squared difference of the decoded pictures', () => {
    const o: LplOptions = { ...LPL_RECOMMENDED, feature_type: 'image' };
    const z0 = random([3, 4, 4, 4], 3), z = random([3, 4, 4, 4], 4);
    const { perSample } = lplLoss(toy, o, z, lplTargets(toy, o, z0));
    expect(relativeError(perSample.dataSync(), tf.mean(tf.squaredDifference(toy.image(z), toy.image(z0)), [1, 2, 3]).dataSync())).toBeLessThan(1e-5);
  });
  it('maps of fewer than 50 positions keep their smallest value as first order statistic', () => {
    const o: LplOptions = { ...LPL_RECOMMENDED, num_blocks: 3 };
    const { perSample } = lplLoss(toy, o, random([1, 3, 3, 4], 5), lplTargets(toy, o, random([1, 3, 3, 4], 6)));
    expect(Number.isFinite(perSample.dataSync()[0])).toBe(true);
  });
});

describe('targets', () => {
  it.each(['default', 'shared', 'batch', 'standardize', 'image'] as const)('have the shapes that lplTargetShapes says: %s', (kind) => {
    const o: LplOptions = kind === 'image' ? { ...LPL_RECOMMENDED, feature_type: 'image' } : { ...LPL_RECOMMENDED, norm_type: kind };
    const vae = parseVaeConfig({ block_out_channels: [8, 16, 24, 32], layers_per_block: 1, norm_num_groups: 8 });
    const sizes: [number, number][] = [[1, 32], [2, 32], [4, 24], [8, 16], [8, 8]];
    const decoder: LatentDecoder = { features: () => sizes.map(([f, c], i) => random([1, 6 * f, 4 * f, c], i)), image: () => random([1, 48, 32, 3], 9) };
    const got = Object.fromEntries(Object.entries(lplTargets(decoder, o, random([1, 6, 4, 4], 1))).map(([name, t]) => [name, t.shape.slice(1)]));
    expect(got).toEqual(lplTargetShapes(o, vae, 6, 4));
  });
  it.each([LPL_RECOMMENDED, { ...LPL_RECOMMENDED, norm_type: 'standardize' as const }, { ...LPL_RECOMMENDED, norm_type: 'default' as const, num_blocks: 1 }, { ...LPL_RECOMMENDED, feature_type: 'image' as const }])('are named as lplTargetNames says: %o', (o) => {
    expect(Object.keys(lplTargets(toy, o, random([2, 8, 8, 4], 7))).sort()).toEqual(lplTargetNames(o).sort());
  });
  it('of a sample do not depend on the batch it is in', () => {
    const z0 = random([2, 8, 8, 4], 8);
    const both = lplTargets(toy, LPL_RECOMMENDED, z0), alone = lplTargets(toy, LPL_RECOMMENDED, tf.slice(z0, [1, 0, 0, 0], [1, 8, 8, 4]));
    for (const name of lplTargetNames(LPL_RECOMMENDED)) {
      const t = both[name]!, second = tf.slice(t, [1, ...t.shape.slice(1).map(() => 0)], [1, ...t.shape.slice(1)]);
      expect(relativeError(second.dataSync(), alone[name]!.dataSync()), name).toBeLessThan(1e-6);
    }
  });
  it('statistics of a batch from those of its samples', () => {
    const y = random([3, 5, 4, 8], 9);
    const { mean, variance } = tf.moments(y);
    const stats = [0, 1, 2].flatMap((i) => { const m = tf.moments(tf.slice(y, [i, 0, 0, 0], [1, 5, 4, 8])); return [m.mean.dataSync()[0]!, m.variance.dataSync()[0]!, i / 10]; });
    const [row] = combineStatistics(stats, [160]);
    expect(row!.mean).toBeCloseTo(mean.dataSync()[0]!, 6);
    expect(row!.std).toBeCloseTo(Math.sqrt(variance.dataSync()[0]! * (480 / 479)), 5);
    expect(row!.outlier_ratio).toBeCloseTo(0.1, 10);
  });
});
