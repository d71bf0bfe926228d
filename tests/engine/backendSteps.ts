/** A small model with a training step, for tests of executors: convolution, norm, attention, gradients and Adam-like updates. */
import type { Executor, HostTensor, InputSpec, StepFunction } from '../../main/engine/backend/executor.ts';
import { attention, conv2d, groupNorm, layerNorm, linear, silu, upsampleNearest2x } from '../../main/engine/ops/nn.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';

/** Deterministic values around 0. */
export function noise(length: number, seed: number, scale = 1): Float32Array {
  let s = seed * 2654435761 % 4294967296;
  return Float32Array.from({ length }, () => {
    s = (s * 1664525 + 1013904223) % 4294967296;
    return (s / 4294967296 - 0.5) * 2 * scale;
  });
}

export const shapes: Record<string, number[]> = {
  conv: [3, 3, 8, 16], bias: [16], gamma: [16], beta: [16], down: [3, 3, 16, 16], ln_g: [16], ln_b: [16], q: [16, 16], k: [16, 16], v: [16, 16], out: [16, 8],
};
const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
export const inputSpecs: Record<string, InputSpec> = { x: { shape: [2, 8, 8, 8], dtype: 'float32' }, y: { shape: [2, 64, 8], dtype: 'float32' }, lr: { shape: [], dtype: 'float32' } };

export function forward(w: Record<string, Tensor>, x: Tensor): Tensor {
  let h = silu(groupNorm(conv2d(x, w['conv']!, w['bias']!), w['gamma']!, w['beta']!, 4, 1e-5));
  h = upsampleNearest2x(conv2d(h, w['down']!, undefined, { stride: 2, padding: 1 }));
  const t = layerNorm(tf.reshape(h, [2, 64, 16]), w['ln_g']!, w['ln_b']!);
  return linear(tf.add(t, attention(linear(t, w['q']!), linear(t, w['k']!), linear(t, w['v']!), 2)), w['out']!);
}

/** One step of Adam without bias correction on `trained`; `applyIf` is 1 unless the learning rate is negative. */
export const trainStep = (trained: string[]): StepFunction => ({ x, y, lr }, state) => {
  const names = Object.keys(shapes);
  const { value, grads } = tf.valueAndGrads((...ws: Tensor[]) => {
    const w = Object.fromEntries(names.map((n) => [n, trained.includes(n) ? ws[trained.indexOf(n)]! : state.get(`w/${n}`)]));
    return tf.mean(tf.squaredDifference(forward(w, x!), y!)) as tf.Scalar;
  })(trained.map((n) => state.get(`w/${n}`)));
  const updates: Record<string, Tensor> = {};
  trained.forEach((n, i) => {
    const g = grads[i]!;
    const m = tf.add(tf.mul(state.get(`m/${n}`), 0.9), tf.mul(g, 0.1));
    const s = tf.add(tf.mul(state.get(`s/${n}`), 0.99), tf.mul(tf.square(g), 0.01));
    updates[`m/${n}`] = m;
    updates[`s/${n}`] = s;
    updates[`w/${n}`] = tf.sub(state.get(`w/${n}`), tf.mul(lr!, tf.div(m, tf.add(tf.sqrt(s), 1e-3))));
  });
  return { outputs: { loss: value, first: grads[0]! }, updates, applyIf: tf.greaterEqual(lr!, 0) };
};

export function declareModel(e: Executor, trained: string[], dtype: 'float32' | 'bfloat16' = 'float32'): void {
  Object.entries(shapes).forEach(([name, shape], i) => {
    e.declare(`w/${name}`, { shape, dtype: trained.includes(name) ? 'float32' : dtype }, noise(size(shape), i + 1, 0.4));
    if (!trained.includes(name)) return;
    e.declare(`m/${name}`, { shape }, 'zeros');
    e.declare(`s/${name}`, { shape }, 'zeros');
  });
}

export const batch = (seed: number, lr = 0.01): Record<string, HostTensor> => ({
  x: { shape: [2, 8, 8, 8], data: noise(1024, seed) }, y: { shape: [2, 64, 8], data: noise(1024, seed + 50) }, lr: { shape: [], data: Float32Array.of(lr) },
});

/** Largest difference relative to the largest value. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0, largest = 1e-12;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
    largest = Math.max(largest, Math.abs(b[i]!));
  }
  return a.length === b.length ? difference / largest : Infinity;
}
