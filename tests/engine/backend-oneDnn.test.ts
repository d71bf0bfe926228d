/** oneDNN's kernels are asked for where they are quicker, compute the same, and are done without where TensorFlow lacks them. */
import { afterAll, expect, test, vi } from 'vitest';
import { GraphExecutor } from '../../main/engine/backend/graph/graphExecutor.ts';
import { loadNodeBackend, type NodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import { hasOneDnn, plainOp, quicker } from '../../main/engine/backend/oneDnn.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { noise, relativeError } from './backendSteps.ts';

vi.setConfig({ testTimeout: 60_000 });
type Pads = [[number, number], [number, number], [number, number], [number, number]];
const conv = (stride: number, pad: 'same' | 'valid' | number | Pads) => (x: Tensor, w: Tensor): Tensor => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad);
const explicit = (top: number, bottom: number): Pads => [[0, 0], [top, bottom], [1, 1], [0, 0]];
const x4 = [2, 9, 8, 6], w4 = [3, 3, 6, 5];

const cases: Record<string, { shapes: [number[], number[]]; op: (a: Tensor, b: Tensor) => Tensor }> = {
  same: { shapes: [x4, w4], op: conv(1, 'same') },
  valid: { shapes: [x4, w4], op: conv(1, 'valid') },
  'stride 2': { shapes: [x4, w4], op: conv(2, 'valid') },
  '1 × 1': { shapes: [x4, [1, 1, 6, 5]], op: conv(1, 'same') },
  'a strip at the top': { shapes: [x4, w4], op: conv(1, explicit(1, 0)) },
  'a strip in the middle': { shapes: [x4, w4], op: conv(1, explicit(0, 0)) },
  'a strip at the bottom': { shapes: [x4, w4], op: conv(1, explicit(0, 1)) },
  'more zeros than same': { shapes: [x4, w4], op: conv(1, explicit(2, 1)) },
  'a number of zeros': { shapes: [x4, w4], op: conv(1, 0) },
  product: { shapes: [[40, 30], [30, 20]], op: (a, b) => tf.matMul(a, b) },
  'product with a transposed factor': { shapes: [[40, 30], [20, 30]], op: (a, b) => tf.matMul(a, b, false, true) },
  'batched product': { shapes: [[4, 64, 48], [4, 48, 96]], op: (a, b) => tf.matMul(a, b) },
  'batched, both transposed': { shapes: [[4, 48, 64], [4, 96, 48]], op: (a, b) => tf.matMul(a, b, true, true) },
};

/** Value and both gradients. */
function step(op: (a: Tensor, b: Tensor) => Tensor, a: Tensor, b: Tensor): Record<string, Tensor> {
  let y: Tensor | undefined;
  const { grads } = tf.valueAndGrads((u: Tensor, v: Tensor) => {
    y = tf.keep(op(u, v));
    return tf.sum(tf.mul(y, tf.tensor(noise(y.size, 5), y.shape))) as tf.Scalar;
  })([a, b]);
  return { y: y!, da: grads[0]!, db: grads[1]! };
}

const executors = [true, false].map((oneDnn) => {
  const e = new GraphExecutor({ oneDnn });
  for (const [name, { shapes: [a, b], op }] of Object.entries(cases)) {
    e.define(name, { a: { shape: a, dtype: 'float32' }, b: { shape: b, dtype: 'float32' } }, (i) => ({ outputs: step(op, i['a']!, i['b']!) }));
  }
  return e;
});
afterAll(() => executors.forEach((e) => e.dispose()));
const kernels = (e: GraphExecutor, name: string): string[] => [...new Set(e.tracedStep(name).body.nodes.map((n) => n.op).filter((op) => op.startsWith('_Mkl')))].sort();
const value = (shape: number[], seed: number): { shape: number[]; data: Float32Array } => ({ shape, data: noise(shape.reduce((a, b) => a * b, 1), seed) });

test.each(Object.keys(cases))('%s: value and gradients are those of the other kernels', async (name) => {
  const [a, b] = cases[name]!.shapes, inputs = { a: value(a, 1), b: value(b, 2) };
  const [one, other] = await Promise.all(executors.map((e) => e.run(name, inputs)));
  for (const key of ['y', 'da', 'db']) {
    expect(one![key]!.shape).toEqual(other![key]!.shape);
    expect(relativeError(one![key]!.data as Float32Array, other![key]!.data as Float32Array), key).toBeLessThan(2e-6);
  }
  expect(kernels(executors[1]!, name)).toEqual([]);
});

test('they are asked for by input gradients, whole or in strips, and by products, and not where padding is more than theirs', () => {
  const [e] = executors as [GraphExecutor];
  for (const name of ['same', 'valid', 'stride 2', 'a strip at the top', 'a strip in the middle', 'a strip at the bottom', 'a number of zeros']) expect(kernels(e, name), name).toEqual(['_MklNativeConv2DBackpropInput']);
  expect(kernels(e, 'more zeros than same')).toEqual([]);
  expect(kernels(e, 'product')).toEqual(['_MklMatMul']);
  expect(kernels(e, 'batched product')).toEqual(['_MklBatchMatMulV2']);
  const product = { transpose_a: { bool: true }, transpose_b: { bool: false } };
  expect(quicker('MatMul', product, [64, 64], [64, 64])).toEqual({ op: 'MatMul', attrs: product });
  expect(quicker('BatchMatMulV2', { adj_x: { bool: false }, adj_y: { bool: false } }, [2, 8, 8], [2, 8, 8]).op).toBe('BatchMatMulV2');
  expect(quicker('Conv2D', {}, x4, x4).op).toBe('Conv2D');
  expect(plainOp('_MklMatMul')).toBe('MatMul');
});

test('TensorFlow for this processor has them, one that lacks them and a GPU are left alone', async () => {
  const native = loadNodeBackend();
  expect(hasOneDnn({ ...native, isUsingGpuDevice: true } as NodeBackend)).toBe(false);
  if (process.arch === 'x64' && !native.isUsingGpuDevice) expect(hasOneDnn(native)).toBe(true);
  vi.stubEnv('TF_ENABLE_ONEDNN_OPTS', '0');
  expect(hasOneDnn(native)).toBe(false);
  vi.unstubAllEnvs();
  // what this TensorFlow says of an operation, and of a kernel, that it does not have
  expect(await tried((_name, attrs, inputs, n) => native.binding.executeOp('_MklNoSuchOp', attrs, inputs, n))).toBe(false);
  expect(await tried((name, attrs, inputs, n) => native.binding.executeOp(name, attrs.map((a) => (a.name === '_kernel' ? { ...a, value: 'NoSuchLabel' } : a)), inputs, n))).toBe(false);
  expect(await tried(() => { throw new Error('Op type not registered'); })).toBe(false);
});

/** A process's first try of the kernels, with this in place of TensorFlow's own. */
type Attr = { name: string; value: unknown };
async function tried(executeOp: (name: string, attrs: Attr[], inputs: number[], n: number) => unknown, native = loadNodeBackend()): Promise<unknown> {
  vi.resetModules();
  const { hasOneDnn: fresh } = await import('../../main/engine/backend/oneDnn.ts'), { binding } = native;
  const other = { binding: { createTensor: binding.createTensor.bind(binding), deleteTensor: binding.deleteTensor.bind(binding), executeOp }, isUsingGpuDevice: false } as unknown as NodeBackend;
  try { return fresh(other); } catch (error) {
    if (process.arch === 'x64') expect(fresh(native), 'what failed once is tried again').toBe(true);
    return (error as { code?: string }).code;
  }
}

test('an error of another kind does not pass for kernels that are missing', async () => {
  const says = (message: string) => () => { throw new Error(message); };
  expect(await tried(says('Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[1,32,32,128]'))).toBe('engine.out_of_memory');
  expect(await tried(says('Invalid TF_Status: 10\nMessage: Operation received an exception: could not create a primitive'))).toBe('engine.kernels_fail');
  expect(await tried(says('Argument must be an array.'))).toBe('engine.kernels_fail');
});
