import { tmpdir } from 'node:os';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { GraphExecutor } from '../../main/engine/backend/graph/graphExecutor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { tf } from '../../main/engine/tf.ts';
import { batch, declareModel, inputSpecs, shapes, trainStep } from './backendSteps.ts';

vi.setConfig({ testTimeout: 60_000 });
const open: Executor[] = [];
afterEach(() => { open.splice(0).forEach((e) => e.dispose()); });

async function trainer(backend: 'tensorflow' | 'tensorflow-eager'): Promise<{ e: Executor; step(): Promise<void> }> {
  const e = await createExecutor({ backend });
  open.push(e);
  declareModel(e, Object.keys(shapes));
  e.define('train', inputSpecs, trainStep(Object.keys(shapes)));
  let i = 0;
  return { e, step: async () => { await e.run('train', batch(i++, i % 3 ? 0.01 : -1)); } };
}
/** Tensors that the binding holds. */
const native = (): number => (loadNodeBackend().binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();
const graphs = (): string[] => readdirSync(tmpdir()).filter((f) => f.startsWith('lpl-graph-'));

test.each(['tensorflow', 'tensorflow-eager'] as const)('steps on %s, applied or not, leave no tensor behind, and disposing leaves none at all', async (backend) => {
  await (await createExecutor({ backend })).dispose();
  const tensorsAtStart = tf.memory().numTensors, nativeAtStart = native();
  const { e, step } = await trainer(backend);
  await step();
  const tensors = tf.memory().numTensors, held = native();
  for (let i = 0; i < 6; i++) await step();
  expect([tf.memory().numTensors, native()]).toEqual([tensors, held]);
  const before = e.read('w/conv');
  e.write('w/conv', before);
  await step();
  e.read('m/conv');
  await step();
  expect([tf.memory().numTensors, native()]).toEqual([tensors, held]);
  open.splice(0).forEach((x) => x.dispose());
  expect([tf.memory().numTensors, native()]).toEqual([tensorsAtStart, nativeAtStart]);
});

test('a loop writes a variable where it is: a step over 256 MB takes no second 256 MB', async () => {
  const e = await createExecutor({ backend: 'tensorflow' }), shape = [1 << 26];
  open.push(e);
  e.declare('big', { shape }, 'zeros');
  e.define('step', { x: { shape: [], dtype: 'float32' } }, ({ x }) => ({ outputs: { x: x! }, loops: [(state) => ({ big: tf.add(tf.mul(state.get('big'), 0.5), x!) })], applyIf: x! }));
  const step = (): Promise<unknown> => e.run('step', { x: { shape: [], data: Float32Array.of(1) } });
  const megabytes = (key: string): number => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
  await step();
  writeFileSync('/proc/self/clear_refs', '5'); // the peak starts anew
  const before = megabytes('VmRSS');
  await step();
  expect(megabytes('VmHWM') - before).toBeLessThan(64);
  expect(e.read('big').every((v) => v === 1.5)).toBe(true);
});

test('a loop waits until the step has read the variables that it reads or writes', async () => {
  const e = new GraphExecutor();
  open.push(e);
  for (const name of ['read', 'written', 'other']) e.declare(name, { shape: [2] }, 'zeros');
  e.define('step', {}, (_, state) => ({
    outputs: Object.fromEntries(['read', 'written', 'other'].map((name) => [name, state.get(name)])), loops: [(own) => ({ written: tf.add(own.get('read'), 1) })],
  }));
  const { nodes } = e.tracedStep('step').body, loop = nodes.find((n) => n.op === 'StatefulPartitionedCall');
  const names = loop!.control.map((n) => [n.op, (n.inputs[0]!.node!.attrs['shared_name'] as { string: string }).string]);
  expect(names.sort()).toEqual([['ReadVariableOp', 'read'], ['ReadVariableOp', 'written']]);
});

test('a step that fails leaves nothing behind: tensors, files, and the executor goes on', async () => {
  const { e, step } = await trainer('tensorflow');
  await step();
  const held = native(), tensors = tf.memory().numTensors, files = graphs();
  await expect(e.run('train', { ...batch(0), x: { shape: [1], data: Float32Array.of(1) } })).rejects.toThrow('should be');
  e.define('broken', { x: { shape: [2], dtype: 'float32' } }, ({ x }, state) => ({ outputs: { y: tf.add(x!, state.get('missing')) } }));
  await expect(e.run('broken', { x: { shape: [2], data: Float32Array.of(1, 2) } })).rejects.toThrow('"missing" was never declared');
  await step();
  expect([native(), tf.memory().numTensors]).toEqual([held, tensors]);
  expect(graphs()).toEqual(files);
});
