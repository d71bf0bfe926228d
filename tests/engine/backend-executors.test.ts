import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Executor, HostTensor } from '../../main/engine/backend/executor.ts';
import { createExecutor, type ExecutorOptions } from '../../main/engine/backend/select.ts';
import { tf } from '../../main/engine/tf.ts';
import { batch, declareModel, inputSpecs, noise, relativeError, shapes, trainStep } from './backendSteps.ts';

vi.setConfig({ testTimeout: 60_000 });
const open: Executor[] = [];
const start = async (options: ExecutorOptions): Promise<Executor> => { const e = await createExecutor(options); open.push(e); return e; };
afterEach(() => { open.splice(0).forEach((e) => e.dispose()); });
beforeAll(() => { process.env['TF_CPP_MIN_LOG_LEVEL'] = '2'; });
const all = Object.keys(shapes);

async function train(e: Executor, trained: string[], dtype: 'float32' | 'bfloat16' = 'float32'): Promise<{ losses: number[]; first: Float32Array }> {
  declareModel(e, trained, dtype);
  e.define('train', inputSpecs, trainStep(trained));
  const losses: number[] = [];
  let first = new Float32Array();
  for (let i = 0; i < 4; i++) {
    const out = await e.run('train', batch(i));
    losses.push(out['loss']!.data[0]!);
    first = out['first']!.data as Float32Array<ArrayBuffer>;
  }
  return { losses, first };
}

describe('compiled steps', () => {
  test('give the numbers of eager ones: losses, gradients, weights and optimizer state after four steps', async () => {
    const eager = await start({ backend: 'tensorflow-eager' }), compiled = await start({ backend: 'tensorflow' });
    expect([eager.info.kind, compiled.info.kind]).toEqual(['eager', 'compiled']);
    const a = await train(eager, all), b = await train(compiled, all);
    expect(relativeError(b.losses, a.losses)).toBeLessThan(1e-5);
    expect(relativeError(b.first, a.first)).toBeLessThan(1e-3);
    expect(a.losses[3]).toBeLessThan(a.losses[0]!);
    for (const n of all) for (const part of ['w', 'm', 's']) expect([`${part}/${n}`, relativeError(compiled.read(`${part}/${n}`), eager.read(`${part}/${n}`)) < 1e-3]).toEqual([`${part}/${n}`, true]);
  });

  test('read frozen weights stored as bfloat16 as their rounded values', async () => {
    const eager = await start({ backend: 'tensorflow-eager' }), compiled = await start({ backend: 'tensorflow' });
    const a = await train(eager, ['q', 'out'], 'bfloat16'), b = await train(compiled, ['q', 'out'], 'bfloat16');
    expect(relativeError(b.losses, a.losses)).toBeLessThan(1e-5);
    expect(compiled.read('w/conv')).toEqual(eager.read('w/conv'));
    expect(relativeError(compiled.read('w/conv'), noise(1152, 1, 0.4))).toBeGreaterThan(1e-4);
  });

  test('compute in bfloat16 when asked to: near, not equal', async () => {
    const full = await train(await start({ backend: 'tensorflow' }), all), half = await train(await start({ backend: 'tensorflow', precision: 'bf16', half: 'all' }), all);
    const error = relativeError(half.losses, full.losses);
    expect(error).toBeLessThan(0.03);
    expect(error).toBeGreaterThan(1e-6);
  });
});

describe.each(['tensorflow', 'tensorflow-eager'] as const)('an executor on %s', (backend) => {
  test('leaves variables alone when applyIf is zero, outputs included', async () => {
    const e = await start({ backend });
    declareModel(e, all);
    e.define('train', inputSpecs, trainStep(all));
    const before = e.read('w/conv');
    const skipped = await e.run('train', batch(0, -1));
    expect(e.read('w/conv')).toEqual(before);
    const applied = await e.run('train', batch(0, 0.01));
    expect(applied['loss']!.data).toEqual(skipped['loss']!.data);
    expect(e.read('w/conv')).not.toEqual(before);
  });

  test('lets no read see an update of the same step: variables can swap', async () => {
    const e = await start({ backend });
    const a = noise(6, 1), b = noise(6, 2);
    e.declare('a', { shape: [2, 3] }, a);
    e.declare('b', { shape: [2, 3] }, b);
    e.define('swap', {}, (_, state) => ({ outputs: { a: state.get('a') }, updates: { a: state.get('b'), b: state.get('a') } }));
    const out = await e.run('swap', {});
    expect(out['a']).toEqual({ shape: [2, 3], data: a });
    expect([e.read('a'), e.read('b')]).toEqual([b, a]);
    await e.run('swap', {});
    expect([e.read('a'), e.read('b')]).toEqual([a, b]);
  });

  test('runs loops over variables in place: what is read before keeps its old value, and applyIf holds', async () => {
    const e = await start({ backend }), a = noise(70_000, 1), b = noise(70_000, 2);
    e.declare('a', { shape: [700, 100] }, a);
    e.declare('b', { shape: [700, 100] }, b);
    e.define('step', { on: { shape: [], dtype: 'float32' } }, ({ on }, state) => {
      const before = state.get('a'), factor = tf.add(tf.mean(tf.square(before)), 1);
      const compute = (own: typeof state): Record<string, tf.Tensor> => ({ a: tf.add(own.get('a'), factor), b: tf.sub(own.get('b'), own.get('a')) });
      return { outputs: { before, factor }, loops: [compute], applyIf: on! };
    });
    const run = (on: number): Promise<Record<string, HostTensor>> => e.run('step', { on: { shape: [], data: Float32Array.of(on) } });
    expect((await run(0))['before']!.data).toEqual(a);
    expect([e.read('a'), e.read('b')]).toEqual([a, b]);
    const out = await run(1), factor = out['factor']!.data[0]!;
    expect(out['before']!.data).toEqual(a);
    expect(e.read('a')).toEqual(a.map((v) => v + factor));
    expect(e.read('b')).toEqual(b.map((v, i) => v - a[i]!));
    expect((await run(1))['before']!.data).toEqual(a.map((v) => v + factor));
  });

  test('takes functions and variables later, and keeps what was there', async () => {
    const e = await start({ backend });
    e.declare('n', { shape: [] }, Float32Array.of(1));
    e.define('add', { x: { shape: [], dtype: 'float32' } }, ({ x }, state) => ({ outputs: {}, updates: { n: tf.add(state.get('n'), x!) } }));
    const five = { x: { shape: [], data: Float32Array.of(5) } };
    await e.run('add', five);
    e.declare('k', { shape: [2] }, Float32Array.of(2, 3));
    e.define('scale', {}, (_, state) => ({ outputs: { y: tf.mul(state.get('n'), state.get('k')) } }));
    expect((await e.run('scale', {}))['y']!.data).toEqual(Float32Array.of(12, 18));
    e.write('n', Float32Array.of(10));
    await e.run('add', five);
    expect(e.read('n')).toEqual(Float32Array.of(15));
    expect([...e.variables().keys()]).toEqual(['n', 'k']);
  });

  test('takes and returns integers, and says what is wrong with inputs', async () => {
    const e = await start({ backend });
    e.define('pick', { i: { shape: [2], dtype: 'int32' } }, ({ i }) => ({ outputs: { y: tf.gather(tf.tensor([1, 2, 3]), i as tf.Tensor1D), same: i!, even: tf.equal(tf.mod(i!, 2), 0) } }));
    const out = await e.run('pick', { i: { shape: [2], data: Int32Array.of(2, 1) } });
    expect(out).toEqual({ y: { shape: [2], data: Float32Array.of(3, 2) }, same: { shape: [2], data: Int32Array.of(2, 1) }, even: { shape: [2], data: Int32Array.of(1, 0) } });
    await expect(e.run('pick', { i: { shape: [3], data: Int32Array.of(2, 1, 0) } })).rejects.toThrow('should be int32 [2]');
    await expect(e.run('nothing', {})).rejects.toThrow('never defined');
    expect(() => e.define('pick', {}, () => ({ outputs: {} }))).toThrow('for other inputs');
    expect(() => e.write('w', Float32Array.of(1))).toThrow('never declared');
  });
});
