import { beforeAll, describe, expect, it } from 'vitest';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { adamw } from '../../main/engine/optim/adamw.ts';
import { clipFactor, globalNorm } from '../../main/engine/optim/clipGradNorm.ts';
import { emaDecay, emaUpdate } from '../../main/engine/optim/ema.ts';
import type { Optimizer } from '../../main/engine/optim/optimizer.ts';
import { tf, type Tensor, type TensorMap } from '../../main/engine/tf.ts';
import { readJson, relativeError } from './math-helpers.ts';

type Values = Record<string, number[]>;
interface Run { steps: Values[]; norms: number[]; ema: Values | null }
interface Fixture { shapes: Record<string, number[]>; init: Values; grads: Values[]; adamw: Run; adamw_other: Run }
const f = readJson<Fixture>('optim/pytorch.json');
const tensors = (values: Values): TensorMap => Object.fromEntries(Object.entries(values).map(([k, v]) => [k, tf.tensor(v, f.shapes[k])]));
const zeros = (o: Optimizer, shape: number[]): TensorMap => Object.fromEntries(Object.entries(o.slots(shape)).map(([k, s]) => [k, tf.zeros(s.shape)]));

/** Runs every step of the fixture; with `clip`, gradients are clipped first. Checks each step's values. */
function follow(o: Optimizer, lr: number, run: Run, clip = 0): void {
  let params = tensors(f.init);
  const slots = Object.fromEntries(Object.keys(params).map((k) => [k, zeros(o, f.shapes[k]!)]));
  f.grads.forEach((grads, i) => {
    const g = tensors(grads);
    const norm = globalNorm(Object.values(g));
    if (clip) expect(relativeError(norm.dataSync(), [run.norms[i]!])).toBeLessThan(1e-5);
    const factor = clipFactor(norm, clip);
    const scalars = o.scalars(i + 1, lr).map((v) => tf.scalar(v));
    params = Object.fromEntries(Object.entries(params).map(([k, p]) => {
      const u = o.update(p, tf.mul(g[k]!, factor), slots[k]!, scalars);
      slots[k] = u.slots;
      return [k, u.param as Tensor];
    }));
    for (const [k, p] of Object.entries(params)) expect(relativeError(p.dataSync(), run.steps[i]![k]!), `${k} after step ${i + 1}`).toBeLessThan(2e-6);
  });
}

beforeAll(() => { loadNodeBackend(); });

describe('AdamW', () => {
  it('follows PyTorch step by step, with gradients clipped to norm 1', () => follow(adamw(), 1e-2, f.adamw, 1));
  it('follows PyTorch with other betas, eps and weight decay', () => follow(adamw({ beta1: 0.8, beta2: 0.95, eps: 1e-3, weight_decay: 0.3 }), 3e-3, f.adamw_other));
});

describe('EMA', () => {
  const decays = readJson<{ ema_decay: Record<string, number[]> }>('optim/pytorch.json').ema_decay;
  it.each([['plain', { decay: 0.99 }], ['warmup', { decay: 0.9, use_ema_warmup: true, power: 0.75, update_after_step: 3 }], ['min', { decay: 0.5, min_decay: 0.3 }]])('decay as EMAModel: %s', (name, options) => {
    expect(relativeError(Array.from({ length: 40 }, (_, i) => emaDecay(i + 1, options)), decays[name]!)).toBeLessThan(1e-12);
  });
  it('shadow weights as EMAModel', () => {
    let shadow = tensors(f.init);
    f.adamw.steps.forEach((params, i) => {
      const now = tensors(params), k = tf.scalar(1 - emaDecay(i + 1, { decay: 0.99 }));
      shadow = Object.fromEntries(Object.entries(shadow).map(([n, s]) => [n, emaUpdate(s, now[n]!, k)]));
    });
    for (const [n, s] of Object.entries(shadow)) expect(relativeError(s.dataSync(), f.adamw.ema![n]!)).toBeLessThan(1e-6);
  });
});

describe('clipping', () => {
  it('leaves small gradients alone, and never clips at 0', () => {
    expect(clipFactor(tf.scalar(0.5), 1).dataSync()[0]).toBe(1);
    expect(clipFactor(tf.scalar(500), 0).dataSync()[0]).toBe(1);
    expect(clipFactor(tf.scalar(4), 1).dataSync()[0]).toBeCloseTo(0.25, 6);
  });
});
