import { beforeAll, describe, expect, it } from 'vitest';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { orderStatistics, outlierMask, poolingWindows } from '../../main/engine/losses/outlierMask.ts';
import { outliers } from '../../main/engine/parity/outliers.ts';
import { tf } from '../../main/engine/tf.ts';
import { compared, fixture } from './math-helpers.ts';

beforeAll(() => { loadNodeBackend(); });

it('masks are exactly the reference\'s', async () => {
  const results = await compared(outliers.run(fixture('parity')));
  expect(results.map((r) => r.error)).toEqual([0, 0, 0, 0]);
});

describe('rules', () => {
  it('windows are odd', () => {
    expect(poolingWindows(1)).toEqual({ opening: 5, closing: 3 });
    expect(poolingWindows(2)).toEqual({ opening: 3, closing: 1 });
  });
  it('order statistics, the first where 2 % would be none', () => {
    expect(orderStatistics(1024)).toEqual({ low: 20, high: 1003 });
    expect(orderStatistics(9)).toEqual({ low: 1, high: 8 });
  });
  it('an isolated spike is cut out with its neighbourhood, edges included, and nothing else', () => {
    const data = new Float32Array(400).map((_, i) => Math.sin(i));
    data[0] = 400;
    const mask = outlierMask(tf.tensor(data, [1, 20, 20, 1]), 2).dataSync();
    expect(Array.from(mask.subarray(0, 3))).toEqual([0, 0, 1]);
    expect(Array.from(mask).filter((v) => v === 0)).toHaveLength(4);
  });
});
