/** What a recorded step is written without: shapes on the way, values made twice, nodes that nothing needs. */
import { afterAll, expect, test } from 'vitest';
import { encodeFunction } from '../../main/engine/backend/graph/encode.ts';
import { recompute } from '../../main/engine/backend/checkpoint.ts';
import { callFunction, type Functions } from '../../main/engine/backend/graph/functions.ts';
import { groupNorm } from '../../main/engine/ops/nn.ts';
import { GraphExecutor } from '../../main/engine/backend/graph/graphExecutor.ts';
import { Body, needed } from '../../main/engine/backend/graph/node.ts';
import { adamw } from '../../main/engine/optim/adamw.ts';
import { tf } from '../../main/engine/tf.ts';

const executor = new GraphExecutor();
afterAll(() => { executor.dispose(); });
const x = { shape: [6, 6], data: Float32Array.from({ length: 36 }, (_, i) => i) };

/** How often each operation stands in a step as it is written. */
const operations = (name: string): ((op: string) => number) => {
  const { body, fetches } = executor.tracedStep(name);
  const written = needed(body.nodes, body.nodes.filter((n) => Object.values(fetches).includes(n.name)).map((node) => ({ body, node, index: 0, dtype: 1, shape: [] })));
  return (op) => written.filter((n) => n.op === op).length;
};

test('reshaped twice is reshaped once, back again not at all, and equal fills are one', async () => {
  executor.define('step', { x: { shape: [6, 6], dtype: 'float32' } }, ({ x: given }) => {
    const twice = tf.reshape(tf.reshape(tf.reshape(given!, [36]), [9, 4]), [4, 9]), back = tf.reshape(tf.reshape(given!, [36]), [6, 6]);
    return { outputs: { twice: tf.add(twice, tf.ones([4, 9])), back: tf.add(back, 1), ones: tf.mul(tf.ones([4, 9]), 2) } };
  });
  const count = operations('step');
  expect([count('Reshape'), count('Fill')]).toEqual([1, 1]);
  const out = await executor.run('step', { x });
  expect(out['twice']!).toEqual({ shape: [4, 9], data: x.data.map((v) => v + 1) });
  expect(out['back']!).toEqual({ shape: [6, 6], data: x.data.map((v) => v + 1) });
  expect(out['ones']!.data).toEqual(new Float32Array(36).fill(2));
});

test('two values reshaped alike are computed on before, others as they are', async () => {
  executor.define('alike', { x: { shape: [6, 6], dtype: 'float32' } }, ({ x: given }) => {
    const a = tf.mul(given!, 2), b = tf.mul(given!, 3), flat = (t: tf.Tensor): tf.Tensor => tf.reshape(t, [36]);
    return { outputs: { sum: tf.add(flat(a), flat(b)), same: tf.reshape(tf.sub(flat(a), flat(b)), [6, 6]), rows: tf.mul(tf.reshape(tf.sum(a, 1), [6, 1]), tf.reshape(tf.sum(a, 0), [1, 6])) } };
  });
  expect(operations('alike')('Reshape')).toBe(3); // sum's, and rows' two of one shape [6] that become two
  const out = await executor.run('alike', { x });
  expect(out['sum']!).toEqual({ shape: [36], data: x.data.map((v) => 5 * v) });
  expect(out['same']!).toEqual({ shape: [6, 6], data: x.data.map((v) => 0 - v) });
  const row = (i: number): number => x.data.slice(6 * i, 6 * i + 6).reduce((s, v) => s + 2 * v, 0), column = (j: number): number => [0, 1, 2, 3, 4, 5].reduce((s, i) => s + 2 * x.data[6 * i + j]!, 0);
  expect(Array.from(out['rows']!.data)).toEqual(Array.from({ length: 36 }, (_, k) => row(Math.floor(k / 6)) * column(k % 6)));
});

test('a group norm has one matrix of its channels and groups for all that use it, and few operations', () => {
  const of = (...shape: number[]) => ({ shape, dtype: 'float32' as const }), inputs = { p: of(2, 4, 4, 8), gamma: of(8), beta: of(8) };
  executor.define('norms', inputs, ({ p, gamma, beta }) => ({ outputs: { y: groupNorm(groupNorm(p!, gamma!, beta!, 2, 1e-5), gamma!, beta!, 2, 1e-5) } }));
  const count = operations('norms');
  expect(count('Tile')).toBe(2); // one with the groups' share, one of ones
  expect(count('MatMul')).toBe(8); // to groups and back, of means and of 1/σ, twice
});

test('a function is written without what nothing needs; changes of variables stay', () => {
  const body = new Body(''), float = { shape: [], dtype: 1 }, attrs = { T: { type: 1 } };
  const one = body.constant(Float32Array.of(1), [], 1), [kept] = body.add('Neg', [one], attrs, [float], [], 'kept');
  body.add('Neg', [one], attrs, [float], [], 'needless');
  body.add('AssignVariableOp', [one, kept!], { dtype: { type: 1 } }, [], [], 'assigned');
  const text = Buffer.from(encodeFunction({ args: [], outputs: [kept!], nodes: body.nodes, attrs: {} })).toString('latin1');
  expect(['kept', 'assigned', 'needless'].map((name) => text.includes(name))).toEqual([true, true, false]);
});

test('equal functions are one, named after what they do, others are not', () => {
  const functions: Functions = new Map(), outer = new Body('o/'), float = { shape: [], dtype: 1 }, attrs = { T: { type: 1 } };
  const called = (op: string): string => {
    const inner = new Body('', outer), outputs = inner.add(op, [inner.constant(Float32Array.of(1), [], 1)], attrs, [float]);
    const [result] = callFunction(functions, undefined, inner, outputs, {}, outer);
    const name = (result!.node!.attrs['f'] as { func: string }).func, stored = Buffer.from(functions.get(name)!), encoded = encodeFunction({ args: [], outputs, nodes: inner.nodes, attrs: {} });
    expect(stored.subarray(-encoded.length).equals(encoded)).toBe(true);
    expect(stored.subarray(0, -encoded.length).toString('latin1')).toBe(`\n${String.fromCharCode(name.length + 2)}\n${String.fromCharCode(name.length)}${name}`);
    return name;
  };
  expect(called('Neg')).toBe(called('Neg'));
  expect(called('Exp')).not.toBe(called('Neg'));
  expect(functions.size).toBe(2);
});

test('an update loop computes on with what it stores, so that it computes nothing twice and copies nothing', () => {
  const functions = (executor as unknown as { functions: Functions }).functions, names = ['p', 'm', 'v', 'g'], optimizer = adamw(), known = new Set(functions.keys());
  for (const name of names) executor.declare(name, { shape: [8] }, new Float32Array(8).fill(0.5));
  executor.define('adamw', { on: { shape: [], dtype: 'float32' }, scalars: { shape: [3], dtype: 'float32' } }, ({ on, scalars }) => ({
    outputs: {}, applyIf: on!, loops: [(own) => {
      const { param, slots } = optimizer.update(own.get('p'), own.get('g'), { m: own.get('m'), v: own.get('v') }, tf.unstack(scalars!));
      return { p: param, ...slots } as Record<string, tf.Tensor>;
    }],
  }));
  executor.prepare();
  const text = [...functions].filter(([name]) => !known.has(name)).map(([, f]) => Buffer.from(f).toString('latin1')).find((f) => f.includes('_XlaMustCompile') && f.includes('Sqrt'))!;
  const input = (op: string): string => new RegExp(`${op}\x1a.(n\\d+):`, 's').exec(text)![1]!;
  expect(text.split('SelectV2').length - 1).toBe(3);
  expect(text).toContain(`${input('\x04Sqrt')}\x12\x08SelectV2`);
});

test('a step is an operation by its name; one that recomputes activations is called the usual way', () => {
  const inputs = { x: { shape: [6, 6], dtype: 'float32' as const } };
  executor.define('plain', inputs, ({ x: given }) => ({ outputs: { y: tf.square(given!) } }));
  executor.define('recomputing', inputs, ({ x: given }) => ({ outputs: { y: tf.grad((t) => recompute((a) => tf.square(a!), [t]))(given!) } }));
  executor.prepare();
  const traced = (executor as unknown as { traced: Map<string, { body: Body }> }).traced, called = (name: string): string => traced.get(name)!.body.nodes.find((n) => /^f_|PartitionedCall/.test(n.op))!.op;
  expect(called('plain')).toMatch(/^f_/);
  expect(called('recomputing')).toBe('StatefulPartitionedCall');
});
