import { execFileSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { recompute } from '../../main/engine/backend/checkpoint.ts';
import type { Executor, StepFunction } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { conv2d, groupNorm, linear, silu } from '../../main/engine/ops/nn.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { noise, relativeError } from './backendSteps.ts';

const open: Executor[] = [];
afterEach(() => { open.splice(0).forEach((e) => e.dispose()); });
const shapes: Record<string, number[]> = { w1: [3, 3, 4, 4], w2: [3, 3, 4, 4], g: [4], b: [4], time: [6, 4], frozen: [4, 4] };
const names = Object.keys(shapes).filter((n) => n !== 'frozen');
const size = (s: number[]): number => s.reduce((a, b) => a * b, 1);

/** Two blocks that share captured weights and a captured intermediate; the second one holds a checkpoint of its own. */
const step = (checkpointing: boolean): StepFunction => ({ x, t }, state) => {
  let runs = 0;
  const again = checkpointing ? recompute : (fn: (...xs: Tensor[]) => Tensor, xs: Tensor[]): Tensor => fn(...xs);
  const { value, grads } = tf.valueAndGrads((...ws: Tensor[]) => {
    const w = (name: string): Tensor => (names.includes(name) ? ws[names.indexOf(name)]! : state.get(name));
    const shift = tf.reshape(silu(linear(t!, w('time'))), [2, 1, 1, 4]);
    const block = (conv: string) => (h: Tensor): Tensor => {
      runs++;
      const mixed = tf.reshape(linear(tf.reshape(h, [2, 36, 4]), w('frozen')), [2, 6, 6, 4]);
      return tf.add(h, tf.add(conv2d(silu(groupNorm(mixed, w('g'), w('b'), 2, 1e-5)), w(conv)), shift));
    };
    const h = again(block('w1'), [x!]);
    const y = again((a: Tensor, _unused: Tensor) => tf.add(again(block('w2'), [a]), a), [h, shift]);
    return tf.mean(tf.square(y)) as tf.Scalar;
  })(names.map((n) => state.get(n)));
  return { outputs: { value, runs: tf.scalar(runs), ...Object.fromEntries(names.map((n, i) => [n, grads[i]!])) } };
};

async function gradients(backend: 'tensorflow' | 'tensorflow-eager', checkpointing: boolean): Promise<Record<string, ArrayLike<number>>> {
  const e = await createExecutor({ backend });
  open.push(e);
  Object.entries(shapes).forEach(([n, s], i) => e.declare(n, { shape: s }, noise(size(s), i + 1)));
  e.define('step', { x: { shape: [2, 6, 6, 4], dtype: 'float32' }, t: { shape: [2, 6], dtype: 'float32' } }, step(checkpointing));
  const inputs = { x: { shape: [2, 6, 6, 4], data: noise(288, 9) }, t: { shape: [2, 6], data: noise(12, 10) } };
  const before = tf.memory().numTensors;
  const out = await e.run('step', inputs);
  expect(tf.memory().numTensors).toBe(before);
  return Object.fromEntries(Object.entries(out).map(([k, v]) => [k, v.data]));
}

describe('recompute', () => {
  test.each(['tensorflow', 'tensorflow-eager'] as const)('gives the same gradients of inputs, weights and captured tensors on %s', async (backend) => {
    const plain = await gradients(backend, false), checkpointed = await gradients(backend, true);
    for (const n of ['value', ...names]) expect([n, relativeError(checkpointed[n]!, plain[n]!) < 1e-5]).toEqual([n, true]);
    expect(plain['runs']![0]).toBe(2);
    expect(checkpointed['runs']![0]).toBeGreaterThanOrEqual(4);
  }, 60_000);

  test('takes less memory in a compiled step, and gives the same value', () => {
    const measure = (mode: string): { peak: number; value: number } =>
      JSON.parse(execFileSync(process.execPath, ['tests/engine/backendPeak.ts', mode], { encoding: 'utf8', env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' }, stdio: ['ignore', 'pipe', 'ignore'] })) as { peak: number; value: number };
    const kept = measure('kept'), again = measure('recomputed');
    expect(Math.abs(again.value - kept.value) / kept.value).toBeLessThan(1e-5);
    expect(again.peak).toBeLessThan(0.6 * kept.peak);
  }, 60_000);

  test('is the block itself where no gradient is asked for', () => {
    const x = tf.tensor([1, 2, 3]);
    expect(recompute((a) => tf.mul(a, 2), [x]).dataSync()).toEqual(Float32Array.of(2, 4, 6));
  });
});
