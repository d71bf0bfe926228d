import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { adafactor, type AdafactorOptions } from '../../main/engine/optim/adafactor.ts';
import { adamw } from '../../main/engine/optim/adamw.ts';
import { adamw8bit } from '../../main/engine/optim/adamw8bit.ts';
import { dequantise, ditherPhase, quantise } from '../../main/engine/optim/blockQuantise.ts';
import type { Optimizer } from '../../main/engine/optim/optimizer.ts';
import { normal } from '../../main/engine/random.ts';
import { tf, type Tensor, type TensorMap } from '../../main/engine/tf.ts';
import { readJson, relativeError } from './math-helpers.ts';

type Values = Record<string, number[]>;
interface Fixture { shapes: Record<string, number[]>; init: Values; grads: Values[]; adafactor: { steps: Values[] }; adafactor_default: { steps: Values[] }; adafactor_scaled: { steps: Values[] } }
beforeAll(() => { loadNodeBackend(); });
const random = (n: number, sample: number, scale = 1): Float32Array => normal({ seed: 3, stream: 'test', sample }, n).map((v) => v * scale);

describe('Adafactor follows transformers step by step', () => {
  const f = readJson<Fixture>('optim/pytorch.json');
  const cases: [string, Partial<AdafactorOptions>, { steps: Values[] }][] = [
    ['with a learning rate', {}, f.adafactor],
    ['with its defaults: relative steps, scaled by the parameter', { scale_parameter: true, relative_step: true }, f.adafactor_default],
    ['with momentum, weight decay and scaling', { scale_parameter: true, beta1: 0.9, weight_decay: 0.1 }, f.adafactor_scaled],
  ];
  it.each(cases)('%s', (_, options, run) => {
    const o = adafactor(options);
    for (const [name, shape] of Object.entries(f.shapes)) {
      let p: Tensor = tf.tensor(f.init[name]!, shape);
      let slots: TensorMap = Object.fromEntries(Object.entries(o.slots(shape)).map(([k, s]) => [k, tf.zeros(s.shape)]));
      f.grads.forEach((grads, i) => {
        const u = o.update(p, tf.tensor(grads[name]!, shape), slots, o.scalars(i + 1, 1e-2).map((v) => tf.scalar(v)));
        [p, slots] = [u.param, u.slots];
        expect(relativeError(p.dataSync(), run.steps[i]![name]!), `${name} after step ${i + 1}`).toBeLessThan(5e-6);
      });
    }
  });
  it('keeps rows and columns only', () => {
    const count = (shape: number[]): number => Object.values(adafactor().slots(shape)).reduce((n, s) => n + s.shape.reduce((a, b) => a * b, 1), 0);
    expect(count([300, 200])).toBe(500);
    expect(count([7])).toBe(7);
  });
});

describe('block-wise bytes', () => {
  const roundTrip = (x: Tensor, signed: boolean, step: number): Float32Array => dequantise(quantise(x, signed, tf.scalar(ditherPhase(step))), signed, x.shape).dataSync() as Float32Array;
  it('are whole numbers from 0 to 255, at most 1.6 % of the value apart near the block\'s largest', () => {
    const x = tf.tensor(random(1000, 1), [10, 100]);
    const { codes, scale } = quantise(x, true, tf.scalar(0.3));
    expect(codes.shape).toEqual([4, 256]);
    expect(scale.shape).toEqual([4]);
    expect(codes.dataSync().every((c) => Number.isInteger(c) && c >= 0 && c <= 255)).toBe(true);
    const values = x.dataSync(), back = roundTrip(x, true, 3), largest = Math.max(...values.map(Math.abs));
    values.forEach((v, i) => expect(Math.abs(back[i]! - v)).toBeLessThan(0.017 * largest));
  });
  it('the dither averages out: over 200 steps the mean is the value', () => {
    const x = tf.tensor(random(512, 2), [512]), values = x.dataSync();
    const sum = new Float64Array(512);
    for (let step = 1; step <= 200; step++) roundTrip(x, true, step).forEach((v, i) => { sum[i]! += v / 200; });
    values.forEach((v, i) => expect(Math.abs(sum[i]! - v)).toBeLessThan(0.002 + 0.004 * Math.abs(v)));
  });
  it('unsigned values never read as zero, a block of zeros does', () => {
    const x = tf.tensor([1e-9, 1, ...new Array<number>(254).fill(0.5), ...new Array<number>(256).fill(0)], [512]);
    const back = roundTrip(x, false, 1);
    expect(back[0]).toBeGreaterThan(0);
    expect(back[1]).toBeCloseTo(1, 6);
    expect(back.subarray(256).every((v) => v === 0)).toBe(true);
    expect(roundTrip(tf.zeros([300]), true, 1).every((v) => v === 0)).toBe(true);
  });
});

describe('8-bit AdamW', () => {
  /** Minimises ½·Σ aᵢ(pᵢ − cᵢ)² with noisy gradients; the mean squared distance from c after `steps`. */
  function descend(o: Optimizer, steps: number): number {
    const n = 8192, c = tf.tensor(random(n, 5)), a = tf.add(tf.square(tf.tensor(random(n, 6))), 0.01);
    let p: Tensor = tf.zeros([n]), slots: TensorMap = Object.fromEntries(Object.entries(o.slots([n])).map(([k, s]) => [k, tf.zeros(s.shape)]));
    for (let step = 1; step <= steps; step++) {
      const [next, after] = tf.tidy(() => {
        const g = tf.mul(a, tf.add(tf.sub(p, c), tf.tensor(random(n, 100 + step, 0.3))));
        const u = o.update(p, g, slots, o.scalars(step, 0.02).map((v) => tf.scalar(v)));
        return [u.param, u.slots] as never as [Tensor, TensorMap];
      });
      tf.dispose([p, slots]);
      [p, slots] = [next, after];
    }
    return tf.mean(tf.squaredDifference(p, c)).dataSync()[0]!;
  }
  it('gets as far as AdamW', () => {
    const exact = descend(adamw({ weight_decay: 0 }), 250), bytes = descend(adamw8bit({ weight_decay: 0 }), 250);
    expect(exact).toBeLessThan(0.05);
    expect(bytes).toBeLessThan(exact * 1.15);
  });
  it('takes about a quarter of the memory, and full precision for small tensors', () => {
    const bytes = Object.values(adamw8bit().slots([64, 64])).reduce((n, s) => n + s.shape.reduce((x, y) => x * y, 1) * (s.dtype === 'uint8' ? 1 : 4), 0);
    expect(bytes / (2 * 4 * 4096)).toBeLessThan(0.26);
    expect(Object.keys(adamw8bit().slots([64]))).toEqual(['m', 'v']);
  });

  const open: Executor[] = [];
  afterEach(() => open.splice(0).forEach((e) => e.dispose()));
  it('eager and compiled store the same bytes', async () => {
    const o = adamw8bit(), shape = [64, 70], results: Record<string, Float32Array>[] = [];
    for (const backend of ['tensorflow-eager', 'tensorflow'] as const) {
      const e = await createExecutor({ backend });
      open.push(e);
      e.declare('p', { shape }, random(4480, 8));
      for (const [slot, spec] of Object.entries(o.slots(shape))) e.declare(slot, spec, 'zeros');
      e.define('step', { g: { shape, dtype: 'float32' }, s: { shape: [4], dtype: 'float32' } }, ({ g, s }, state) => {
        const before = Object.fromEntries(Object.keys(o.slots(shape)).map((k) => [k, state.get(k)]));
        const u = o.update(state.get('p'), g!, before, tf.unstack(s!));
        return { outputs: {}, updates: { p: u.param, ...u.slots } };
      });
      for (let step = 1; step <= 4; step++) await e.run('step', { g: { shape, data: random(4480, 20 + step, 1e-3) }, s: { shape: [4], data: Float32Array.from(o.scalars(step, 1e-2)) } });
      const bytes = e.read('m_codes');
      e.write('m_codes', bytes);
      expect(e.read('m_codes')).toEqual(bytes);
      results.push(Object.fromEntries([...e.variables().keys()].map((name) => [name, e.read(name)])));
    }
    const [eager, compiled] = results as [Record<string, Float32Array>, Record<string, Float32Array>];
    expect(relativeError(compiled['p']!, eager['p']!)).toBeLessThan(1e-3);
    const differing = eager['r_codes']!.filter((c, i) => Math.abs(c - compiled['r_codes']![i]!) > 1).length; // one up or down where rounding is on the edge
    expect(differing).toBe(0);
    expect(new Set(eager['m_codes']).size).toBeGreaterThan(100);
  });
});
