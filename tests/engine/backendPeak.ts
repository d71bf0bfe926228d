/** Run by backend-recompute.test.ts: the memory that a compiled gradient takes over what the loaded graph takes, in MB. */
import { readFileSync } from 'node:fs';
import { recompute } from '../../main/engine/backend/checkpoint.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';

const peak = (): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024;
const N = 1024, blocks = 8;
const e = await createExecutor({ backend: 'tensorflow' });
const block = (x: Tensor): Tensor => { let h = x; for (let i = 0; i < 6; i++) h = tf.add(tf.tanh(h), x); return h; };
const step = (n: number) => ({ w }: Record<string, Tensor>) => {
  const { value, grad } = tf.valueAndGrad((x: Tensor) => {
    let h = x;
    for (let i = 0; i < n; i++) h = process.argv[2] === 'kept' ? block(h) : recompute(block, [h]);
    return tf.mean(tf.square(h)) as tf.Scalar;
  })(w!);
  return { outputs: { value: tf.add(value, tf.sum(tf.square(grad))) } };
};
const input = (side: number): { w: { shape: number[]; data: Float32Array } } => ({ w: { shape: [side, side], data: Float32Array.from({ length: side * side }, (_, i) => Math.sin(i)) } });
e.define('warm', { w: { shape: [8, 8], dtype: 'float32' } }, step(1));
e.define('step', { w: { shape: [N, N], dtype: 'float32' } }, step(blocks));
await e.run('warm', input(8));
const before = peak();
const out = await e.run('step', input(N));
console.log(JSON.stringify({ peak: peak() - before, value: out['value']!.data[0] }));
e.dispose();
