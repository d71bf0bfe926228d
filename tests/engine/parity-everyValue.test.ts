/** Of the cases and runs that are too long for a test, what the comparison does with each expected value: right as recorded, wrong once changed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { readFixture, toNhwc, type FloatTensor, type Weights } from '../../main/engine/parity/fixture.ts';
import { compareCase, type Case, type Computed } from '../../main/engine/parity/lpl.ts';
import type { ParityResult } from '../../main/engine/parity/section.ts';
import { asWeight, compareRun, variableOf, type FollowedRun, type Recorded } from '../../main/engine/parity/training.ts';
import { emaName } from '../../main/engine/trainables/trainables.ts';
import { collect, compared, fixture, readJson } from './math-helpers.ts';

const failed = (results: ParityResult[]): string[] => results.filter((r) => !r.pass).map((r) => r.quantity);

describe('the 120 cases of LPL', () => {
  const { cases } = readJson<{ cases: Required<Case>[] }>('parity/lpl.json'), size = 1000;
  let gradients: FloatTensor[] = [];
  beforeAll(async () => { const f = await readFixture(fixture('parity'), 'lpl'); gradients = cases.map((_, i) => toNhwc(f.get(`case_${i}.grad`)!)); });

  /** What an engine without any error computes: per sample the same statistics, so that together they are the recorded ones. */
  function recorded(c: Required<Case>, i: number): Computed {
    const n = c.loss.length, rows = c.stats.flatMap((s) => [s.mean!, s.std! ** 2 * ((n * size - 1) / (n * size)), s.outlier_ratio!]);
    return {
      loss: Float32Array.from(c.loss), layers: Float32Array.from(c.loss.flatMap((_, s) => c.layers.map((l) => l[s]!))), sizes: c.stats.map(() => size),
      stats: Float32Array.from(c.loss.flatMap(() => rows)), gradient: gradients[i]!.data,
    };
  }
  const check = (c: Required<Case>, i: number, got: Computed, gradient = gradients[i]!) => compared((async function* () { yield* compareCase(i, c, got, gradient); })());
  const largest = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs)) || 1;

  it('are right as recorded', async () => {
    for (const [i, c] of cases.entries()) expect(failed(await check(c, i, recorded(c, i)))).toEqual([]);
  });
  it('are wrong in the quantity of which one number changed by twice its tolerance', async () => {
    for (const [i, c] of cases.entries()) {
      const got = recorded(c, i), expectWrong = async (quantity: string, change: (copy: Required<Case>) => void): Promise<void> => {
        const copy = structuredClone(c);
        change(copy);
        expect(failed(await check(copy, i, got))).toEqual([`case ${i}: ${quantity}`]);
      };
      for (const s of c.loss.keys()) {
        await expectWrong('loss', (x) => { x.loss[s]! += 2e-4 * largest(c.loss); });
        for (const l of c.layers.keys()) await expectWrong('layer losses', (x) => { x.layers[l]![s]! += 2e-4 * largest(c.layers.flat()); });
      }
      for (const l of c.stats.keys()) for (const [quantity, key] of [['mean', 'mean'], ['std', 'std'], ['outlier ratio', 'outlier_ratio']] as const) {
        await expectWrong(`statistics: ${quantity}`, (x) => { x.stats[l]![key]! += 2e-4 * largest(c.stats.map((s) => s[key]!)); });
      }
      const gradient = { ...gradients[i]!, data: gradients[i]!.data.slice() };
      gradient.data[(37 * i) % gradient.data.length]! += 2e-3 * largest(gradient.data);
      expect(failed(await check(c, i, got, gradient))).toEqual([`case ${i}: gradient`]);
    }
  });
});

describe.each(Object.entries(readJson<Record<string, Recorded>>('parity/training.json')))('training run %s', (name, run) => {
  let f: Weights, follows: FollowedRun;
  const weights = new Set(['conv_in.weight', 'conv_out.bias', 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight', 'time_embedding.linear_1.weight']);
  beforeAll(async () => {
    f = await readFixture(fixture('parity'), 'training');
    const variables = new Map([...f].flatMap(([key, t]): [string, Float32Array][] => {
      const [, kind, weight] = new RegExp(`^${name}\\.(final|ema)\\.(.*)$`).exec(key) ?? [];
      return weight === undefined ? [] : [[kind === 'ema' ? emaName(variableOf(weight)) : variableOf(weight), asWeight(weight, t).data]];
    }));
    follows = { async *run() { yield* structuredClone(run.steps) as never[]; }, executor: { read: (variable) => variables.get(variable)! } };
  });
  const check = (changed: Recorded, expected: Weights = f) => compared(compareRun('training', name, changed, follows, expected, weights));

  it('is right as recorded', async () => {
    const results = await check(run);
    expect(failed(results)).toEqual([]);
    expect(results.map((r) => r.quantity)).toEqual(['diffusion_loss', 'lpl_loss', 'total_loss', 'lpl_samples', 'grad_norm', 'lr', 'final weights', ...('ema' in run.config ? ['ema weights'] : [])].map((q) => `${name}: ${q}`));
  });
  it('is wrong in every number of every step that changed by more than its tolerance', async () => {
    for (const [s, step] of run.steps.entries()) for (const key of Object.keys(step) as (keyof typeof step)[]) {
      const changed = structuredClone(run);
      changed.steps[s]![key] = step[key] ? step[key] * (key === 'grad_norm' ? 1.002 : 1.0002) : 1e-9;
      expect(failed(await check(changed)), `step ${s}`).toEqual([`${name}: ${key}`]);
    }
    expect(failed(await check({ ...run, steps: [...run.steps, run.steps[0]!] }))).toContain(`${name}: number of steps`);
  });
  it('names the numbers of steps and the weights that are not there, and compares the others', async () => {
    const changed = structuredClone(run), [gone] = [...f.keys()].filter((key) => key.startsWith(`${name}.final.`));
    changed.steps.pop();
    delete changed.steps[2]!.lpl_loss;
    const findings = await collect(compareRun('training', name, changed, follows, new Map([...f].filter(([key]) => key !== gone)), weights));
    expect(findings.filter((r) => 'pass' in r && !r.pass)).toEqual([]);
    expect(findings.flatMap((r) => ('absent' in r && /lpl_loss|weights/.test(r.part) ? [`${r.part}: ${r.absent.join()}`] : []))).toEqual([`${name}: lpl_loss: steps[2].lpl_loss,steps[9].lpl_loss`, `${name}: final weights: ${gone}`]);
    expect(findings.filter((r) => 'pass' in r && /lpl_loss|final weights/.test(r.quantity))).toHaveLength(2);
  });
  it('is wrong in every weight of which one number changed', async () => {
    const keys = [...f.keys()].filter((key) => key.startsWith(`${name}.final.`) || key.startsWith(`${name}.ema.`));
    expect(keys.length).toBeGreaterThan(3);
    for (const key of keys) {
      const t = f.get(key)!, data = t.data.slice();
      data[data.length - 1]! += 0.02 * data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      expect(failed(await check(run, new Map([...f, [key, { ...t, data }]]))), key).toEqual([`${name}: ${key.includes('.ema.') ? 'ema' : 'final'} weights`]);
    }
  });
});

it('a LoRA matrix whose gradient is rounding alone is held to 1 % of the optimizer\'s way, any other to 1 % of itself', async () => {
  const names = ['a.to_q.lora_A.weight', 'a.to_q.lora_B.weight'] as const, start = Float32Array.of(0.5, -0.4), zero = Float32Array.of(0, 0);
  const check = async (expected: Float32Array, got: Float32Array): Promise<boolean> => {
    const t = (data: Float32Array): FloatTensor => ({ shape: [1, 2], data });
    const f: Weights = new Map([[`x.init.${names[0]}`, t(start)], [`x.init.${names[1]}`, t(zero)], [`x.final.${names[0]}`, t(start)], [`x.final.${names[1]}`, t(expected)]]);
    const steps = Array.from({ length: 10 }, () => ({ diffusion_loss: 1, lpl_loss: 0, total_loss: 1, lpl_samples: 0, grad_norm: 1, lr: 1e-3 }));
    const run: FollowedRun = { async *run() { yield* steps; }, executor: { read: (variable) => (variable === variableOf(names[0]) ? start : got) } };
    return failed(await compared(compareRun('training', 'x', { config: { lora: 4 }, lr: 1e-3, steps }, run, f, new Set()))).length === 0;
  };
  expect(await check(Float32Array.of(5e-6, -3e-6), Float32Array.of(-9e-6, 2e-6))).toBe(true);
  expect(await check(Float32Array.of(5e-6, -3e-6), Float32Array.of(2e-4, 2e-6))).toBe(false);
  expect(await check(Float32Array.of(5e-3, -3e-6), Float32Array.of(5.1e-3, -3e-6))).toBe(false);
  expect(await check(zero, Float32Array.of(9e-6, 0))).toBe(true);
});
