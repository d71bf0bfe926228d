import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { normalisedDistance, weightedDistance } from '../../main/engine/losses/featureDistance.ts';
import { normal } from '../../main/engine/random.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { relativeError } from './math-helpers.ts';

beforeAll(() => { loadNodeBackend(); });
const open: Executor[] = [];
afterEach(() => open.splice(0).forEach((e) => e.dispose()));
const draw = (n: number, sample: number): Float32Array => normal({ seed: 4, stream: 'test', sample }, n);
const shape = [2, 6, 5, 8], size = 480;

/** The formulas as they stand, differentiated by tfjs. */
const plain = {
  weighted: (x: Tensor, a: Tensor, b: Tensor) => tf.sub(tf.mul(x, a), b),
  normalised: (x: Tensor, a: Tensor, b: Tensor) => tf.mul(tf.sub(tf.div(x, tf.add(tf.sqrt(tf.sum(tf.square(x), [3], true)), 1e-10)), b), a),
};
const ours = { weighted: weightedDistance, normalised: normalisedDistance };
const sum = (type: 'mse' | 'l1', d: Tensor): Tensor => tf.sum(type === 'mse' ? tf.square(d) : tf.abs(d), [1, 2, 3]);

describe.each(['weighted', 'normalised'] as const)('%s distance', (form) => {
  it.each(['mse', 'l1'] as const)('%s: value and gradient are those of the formula, whatever the weight\'s shape', (type) => {
    const x = tf.tensor(draw(size, 1), shape), b = tf.tensor(draw(size, 2), shape), cotangent = tf.tensor1d([0.7, -2]);
    for (const wide of [shape, [2, 6, 5, 1], [2, 1, 1, 8], [2, 1, 1, 1]]) {
      const a = tf.abs(tf.tensor(draw(wide.reduce((p, q) => p * q, 1), 3), wide));
      const expected = sum(type, plain[form](x, a, b)), gradient = tf.grad((v) => tf.sum(tf.mul(sum(type, plain[form](v, a, b)), cotangent)))(x);
      expect(relativeError(ours[form](type, x, a, b).dataSync(), expected.dataSync())).toBeLessThan(1e-5);
      expect(relativeError(tf.grad((v) => tf.sum(tf.mul(ours[form](type, v, a, b), cotangent)))(x).dataSync(), gradient.dataSync())).toBeLessThan(1e-5);
    }
  });

  it('compiled as eager, and finite where the feature is zero', async () => {
    const results: Record<string, Float32Array>[] = [];
    for (const backend of ['tensorflow-eager', 'tensorflow'] as const) {
      const e = await createExecutor({ backend });
      open.push(e);
      const spec = { shape, dtype: 'float32' as const };
      e.define('distance', { x: spec, a: spec, b: spec }, ({ x, a, b }) => ({
        outputs: { value: ours[form]('mse', x!, a!, b!), gradient: tf.grad((v) => tf.sum(ours[form]('mse', v, a!, b!)))(x!) },
      }));
      const x = draw(size, 1);
      x.fill(0, 0, 8); // a whole position
      const out = await e.run('distance', { x: { shape, data: x }, a: { shape, data: draw(size, 3) }, b: { shape, data: draw(size, 2) } });
      results.push(Object.fromEntries(Object.entries(out).map(([k, t]) => [k, t.data as Float32Array])));
    }
    const [eager, compiled] = results as [Record<string, Float32Array>, Record<string, Float32Array>];
    expect(eager['value']!.every(Number.isFinite)).toBe(true);
    if (form === 'weighted') expect(eager['gradient']!.every(Number.isFinite)).toBe(true);
    expect(relativeError(compiled['value']!, eager['value']!)).toBeLessThan(1e-5);
    expect(relativeError(compiled['gradient']!.subarray(8), eager['gradient']!.subarray(8))).toBeLessThan(1e-5);
  });
});
