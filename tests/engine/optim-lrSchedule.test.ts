import { expect, it } from 'vitest';
import { learningRate, type LrScheduler } from '../../main/engine/optim/lrSchedule.ts';
import { readJson, relativeError } from './math-helpers.ts';

const lr = readJson<{ lr: Record<string, number[]> }>('optim/pytorch.json').lr;

it.each(Object.keys(lr))('%s as diffusers, warm-up and past the end included', (name) => {
  const o = { lr_scheduler: name as LrScheduler, learning_rate: 2e-4, lr_warmup_steps: 5, max_train_steps: 30, lr_num_cycles: 3, lr_power: 2 };
  const actual = lr[name]!.map((_, step) => learningRate(step, o));
  expect(relativeError(actual, lr[name]!)).toBeLessThan(1e-10);
});

it('warm-up as long as the run does not divide by zero', () => {
  const o = { lr_scheduler: 'cosine' as const, learning_rate: 1, lr_warmup_steps: 10, max_train_steps: 10 };
  expect(learningRate(9, o)).toBeCloseTo(0.9);
  expect(Number.isFinite(learningRate(10, o))).toBe(true);
});
