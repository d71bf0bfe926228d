/** Steps computed in half precision: near float32, where gradients are too small for it and where they are too large. */
import { afterEach, expect, it, vi } from 'vitest';
import type { Executor, HostTensor, Precision } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { FIRST_SCALE, needsLossScale, withLossScale } from '../../main/engine/step/lossScale.ts';
import type { StepOptions } from '../../main/engine/step/stepOptions.ts';
import { trainStep } from '../../main/engine/trainStep.ts';
import { allSpecs, declareToy, lossBatch, networks, options, updateNumbers } from './trainStep-toy.ts';

vi.setConfig({ testTimeout: 300_000 });
const open: Executor[] = [];
afterEach(() => open.splice(0).forEach((e) => e.dispose()));
const ALL = [0, 1, 2, 3], BELOW = [0, 2];

/** One step of the toy whose losses count `weight` times; what it reported, and the scales it took. */
async function step(precision: Precision, weight: number, scaled = needsLossScale(precision)): Promise<{ out: Record<string, HostTensor>; tried: number[] }> {
  const o: StepOptions = options({ lossScaling: scaled, lpl: { ...options().lpl!, weight } }), e = await createExecutor({ backend: 'tensorflow', precision, half: 'all' }), tried: number[] = [];
  open.push(e);
  declareToy(e, o);
  e.define('train', allSpecs(o, 4, 2), trainStep(networks, o, 2));
  const batch = lossBatch(0, ALL, BELOW), inputs = { ...batch, loss_weight: { shape: [4], data: batch['loss_weight']!.data.map((v) => v * weight) as Float32Array }, ...updateNumbers(o, 0) };
  const run = (loss_scale: HostTensor) => { tried.push(loss_scale.data[0]!); return e.run('train', { ...inputs, loss_scale }); };
  return { out: scaled ? await withLossScale(run) : await e.run('train', inputs), tried };
}
const normOf = async (...args: Parameters<typeof step>): Promise<number> => (await step(...args)).out['grad_norm']!.data[0]!;

it.each(['bf16', 'fp16'] as const)('%s computes nearly what fp32 does', async (precision) => {
  const [full, half] = [await step('fp32', 1), await step(precision, 1)];
  for (const name of ['loss', 'lpl_loss', 'grad_norm']) expect(half.out[name]!.data[0]! / full.out[name]!.data[0]!, name).toBeCloseTo(1, precision === 'fp16' ? 2 : 1);
  expect(half.out['loss']!.data[0]).not.toBe(full.out['loss']!.data[0]);
  expect(half.tried).toEqual(precision === 'fp16' ? [FIRST_SCALE.data[0]] : []);
});

it('fp16 keeps gradients that are smaller than its smallest number, thanks to the loss scale', async () => {
  const full = await normOf('fp32', 1e-6);
  expect(Math.abs(await normOf('fp16', 1e-6) / full - 1)).toBeLessThan(0.02);
  expect(Math.abs(await normOf('fp16', 1e-6, false) / full - 1)).toBeGreaterThan(0.1);
});

it('fp16 takes a smaller scale where gradients overflow, and gives up on a loss that is not finite', async () => {
  const { out, tried } = await step('fp16', 3e4);
  expect(out['finite']!.data[0]).toBe(1);
  expect(tried.length).toBeGreaterThan(1);
  expect(out['grad_norm']!.data[0]! / await normOf('fp32', 3e4)).toBeCloseTo(1, 2);
  expect((await step('fp16', NaN)).tried).toEqual([FIRST_SCALE.data[0]]);
});
