/** Half precision is used where it makes this processor quicker, and a run that goes on computes as it did before. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { HEAVY_OPS, halfOps, measureHalfOps, type HeavyOp } from '../../main/engine/backend/halfOps.ts';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { batch, declareModel, inputSpecs, shapes, trainStep } from './backendSteps.ts';
import { tempDir } from './train-helpers.ts';

vi.setConfig({ testTimeout: 60_000 });
const open: Executor[] = [];
afterEach(() => { open.splice(0).forEach((e) => e.dispose()); vi.unstubAllEnvs(); });
const fileIn = (root: string): string => join(root, 'half-precision.json');
const known = (root: string): Record<string, HeavyOp[]> => JSON.parse(readFileSync(fileIn(root), 'utf8')) as Record<string, HeavyOp[]>;

const measured = (ops: readonly HeavyOp[]) => vi.fn(() => [...ops]);

/** A cache folder in which this machine is known to be quicker at `ops`. */
function machine(ops: readonly HeavyOp[]): string {
  const root = tempDir();
  halfOps(loadNodeBackend(), 'bf16', root, measured(ops));
  return root;
}

test('what was measured is kept, for each precision; a damaged or unwritable file is measured again', () => {
  const native = loadNodeBackend(), root = machine(['MatMul']), again = measured(HEAVY_OPS);
  expect([...halfOps(native, 'bf16', root, again)]).toEqual(['MatMul']);
  expect(again).not.toHaveBeenCalled();
  expect([...halfOps(native, 'fp16', root, again)]).toEqual([...HEAVY_OPS]);
  expect(Object.entries(known(root)).map(([key, ops]) => [key.split(' | ').at(-1), ops.length])).toEqual([['bf16', 1], ['fp16', 5]]);
  writeFileSync(fileIn(root), '{"cut o');
  expect(halfOps(native, 'bf16', root, again).size).toBe(5);
  expect(Object.values(known(root))).toEqual([[...HEAVY_OPS]]);
  mkdirSync(fileIn(join(root, 'folder')), { recursive: true });
  expect(halfOps(native, 'bf16', join(root, 'folder'), again).size).toBe(5);
});

test('this processor is measured', () => {
  const found = measureHalfOps(loadNodeBackend().binding, 'bf16');
  expect(HEAVY_OPS.filter((op) => found.includes(op))).toEqual(found);
});

/** Losses of two bf16 steps on a machine that is quicker at `ops`; null: in fp32. And what it said about it. */
async function losses(ops: readonly HeavyOp[] | null): Promise<{ values: number[]; warnings: string[]; precision: string }> {
  const warnings: string[] = [];
  if (ops) vi.stubEnv('LPL_CACHE', machine(ops));
  const e = await createExecutor({ backend: 'tensorflow', precision: ops ? 'bf16' : 'fp32', onWarning: (w) => warnings.push(w) }), values: number[] = [];
  open.push(e);
  declareModel(e, Object.keys(shapes));
  e.define('train', inputSpecs, trainStep(Object.keys(shapes)));
  for (let i = 0; i < 2; i++) values.push((await e.run('train', batch(i)))['loss']!.data[0]!);
  return { values, warnings, precision: e.info.precision };
}

test('steps use half precision for these operations and no others, and say so when there are none', async () => {
  const full = await losses(null), none = await losses([]), convolutions = await losses(['Conv2D']), all = await losses(HEAVY_OPS);
  expect(none.values).toEqual(full.values);
  expect(new Set([full, convolutions, all].map((l) => l.values.join())).size).toBe(3);
  expect([none, convolutions, all].map((l) => l.precision)).toEqual(['fp32', 'bf16', 'bf16']);
  expect(none.warnings).toEqual([expect.stringContaining('computes bf16 more slowly than fp32')]);
  expect([...full.warnings, ...convolutions.warnings, ...all.warnings]).toEqual([]);
});
