/** What a recorded step is written without: shapes on the way, values made twice, nodes that nothing needs. */
import { afterAll, expect, test } from 'vitest';
import { encodeFunction } from '../../main/engine/backend/graph/encode.ts';
import { callFunction, type Functions } from '../../main/engine/backend/graph/functions.ts';
import { GraphExecutor } from '../../main/engine/backend/graph/graphExecutor.ts';
import { Body, needed } from '../../main/engine/backend/graph/node.ts';
import { tf } from '../../main/engine/tf.ts';

const executor = new GraphExecutor();
afterAll(() => { executor.dispose(); });
const x = { shape: [6, 6], data: Float32Array.from({ length: 36 }, (_, i) => i) };

test('reshaped twice is reshaped once, back again not at all, and equal fills are one', async () => {
  executor.define('step', { x: { shape: [6, 6], dtype: 'float32' } }, ({ x: given }) => {
    const twice = tf.reshape(tf.reshape(tf.reshape(given!, [36]), [9, 4]), [4, 9]), back = tf.reshape(tf.reshape(given!, [36]), [6, 6]);
    return { outputs: { twice: tf.add(twice, tf.ones([4, 9])), back: tf.add(back, 1), ones: tf.mul(tf.ones([4, 9]), 2) } };
  });
  const { body, fetches } = executor.tracedStep('step');
  const written = needed(body.nodes, body.nodes.filter((n) => Object.values(fetches).includes(n.name)).map((node) => ({ body, node, index: 0, dtype: 1, shape: [] })));
  const count = (op: string): number => written.filter((n) => n.op === op).length;
  expect([count('Reshape'), count('Fill')]).toEqual([1, 1]);
  const out = await executor.run('step', { x });
  expect(out['twice']!).toEqual({ shape: [4, 9], data: x.data.map((v) => v + 1) });
  expect(out['back']!).toEqual({ shape: [6, 6], data: x.data.map((v) => v + 1) });
  expect(out['ones']!.data).toEqual(new Float32Array(36).fill(2));
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
