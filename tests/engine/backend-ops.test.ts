/** Every primitive with a gradient of its own against the same thing written out on tfjs, eager and compiled. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import * as nn from '../../main/engine/ops/nn.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { noise, relativeError } from './backendSteps.ts';

vi.setConfig({ testTimeout: 60_000 });
type Op = (...xs: Tensor[]) => Tensor;
interface Case { shapes: number[][]; op: Op; plain: Op; /** added to all inputs */ offset?: number }

const plainGroupNorm = (x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor => {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const g = tf.reshape(x, [n, h * w, groups, c / groups]), d = tf.sub(g, tf.mean(g, [1, 3], true));
  const y = tf.mul(d, tf.rsqrt(tf.add(tf.mean(tf.square(d), [1, 3], true), eps)));
  return tf.add(tf.mul(tf.reshape(y, [n, h, w, c]), gamma), beta);
};
const plainLayerNorm = (x: Tensor, gamma: Tensor, beta: Tensor): Tensor => {
  const d = tf.sub(x, tf.mean(x, [-1], true));
  return tf.add(tf.mul(tf.mul(d, tf.rsqrt(tf.add(tf.mean(tf.square(d), [-1], true), 1e-5))), gamma), beta);
};
const plainSilu = (x: Tensor): Tensor => tf.mul(x, tf.sigmoid(x));
const plainGelu = (x: Tensor): Tensor => tf.mul(x, tf.mul(tf.add(tf.erf(tf.div(x, Math.SQRT2)), 1), 0.5));
const plainAttention = (q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor): Tensor => {
  const [n, l, c] = q.shape as [number, number, number];
  const split = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [n, x.shape[1]!, heads, c / heads]), [0, 2, 1, 3]);
  const scores = tf.mul(tf.matMul(split(q), split(k), false, true), 1 / Math.sqrt(c / heads));
  return tf.reshape(tf.transpose(tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), split(v)), [0, 2, 1, 3]), [n, l, c]);
};
const plainConv = (x: Tensor, w: Tensor, b: Tensor): Tensor => tf.add(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'), b);
const join = (strips: Tensor[]): Tensor => tf.concat(strips, 1);
const causal = (): Tensor => tf.tensor(Array.from({ length: 25 }, (_, i) => (i % 5 > Math.floor(i / 5) ? -1e9 : 0)), [5, 5]);

const norm = [[2, 4, 5, 8], [8], [8]], qkv = [[2, 5, 6], [2, 7, 6], [2, 7, 6]];
const cases: Record<string, Case> = {
  silu: { shapes: [[3, 4]], op: nn.silu, plain: plainSilu },
  gelu: { shapes: [[3, 4]], op: nn.gelu, plain: plainGelu },
  quickGelu: { shapes: [[3, 4]], op: nn.quickGelu, plain: (x) => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702))) },
  geglu: { shapes: [[2, 3, 8]], op: nn.geglu, plain: (x) => { const [a, b] = tf.split(x, 2, 2) as [Tensor, Tensor]; return tf.mul(a, plainGelu(b)); } },
  groupNorm: { shapes: norm, op: (x, g, b) => nn.groupNorm(x, g, b, 4, 1e-5), plain: (x, g, b) => plainGroupNorm(x, g, b, 4, 1e-5) },
  'groupNorm far from zero': { shapes: norm, op: (x, g, b) => nn.groupNorm(x, g, b, 4, 1e-5), plain: (x, g, b) => plainGroupNorm(x, g, b, 4, 1e-5), offset: 5 },
  'groupNorm of one sample': { shapes: [[1, 4, 4, 6], [6], [6]], op: (x, g, b) => nn.groupNorm(x, g, b, 3, 1e-6), plain: (x, g, b) => plainGroupNorm(x, g, b, 3, 1e-6) },
  groupNormSilu: { shapes: norm, op: (x, g, b) => nn.groupNormSilu(x, g, b, 2, 1e-5), plain: (x, g, b) => plainSilu(plainGroupNorm(x, g, b, 2, 1e-5)) },
  layerNorm: { shapes: [[2, 3, 8], [8], [8]], op: (x, g, b) => nn.layerNorm(x, g, b), plain: plainLayerNorm },
  // large enough for the compiled executor to fuse them
  'silu, fused': { shapes: [[256, 128]], op: nn.silu, plain: plainSilu },
  'geglu, fused': { shapes: [[1, 128, 256]], op: nn.geglu, plain: (x) => { const [a, b] = tf.split(x, 2, 2) as [Tensor, Tensor]; return tf.mul(a, plainGelu(b)); } },
  'groupNormSilu, fused': { shapes: [[2, 16, 16, 64], [64], [64]], op: (x, g, b) => nn.groupNormSilu(x, g, b, 8, 1e-5), plain: (x, g, b) => plainSilu(plainGroupNorm(x, g, b, 8, 1e-5)) },
  'layerNorm, fused': { shapes: [[2, 256, 64], [64], [64]], op: (x, g, b) => nn.layerNorm(x, g, b), plain: plainLayerNorm },
  linear: { shapes: [[2, 3, 4], [4, 5], [5]], op: nn.linear, plain: (x, w, b) => tf.add(tf.reshape(tf.matMul(tf.reshape(x, [6, 4]) as tf.Tensor2D, w as tf.Tensor2D), [2, 3, 5]), b) },
  conv2d: { shapes: [[2, 4, 5, 3], [3, 3, 3, 2], [2]], op: (x, w, b) => nn.conv2d(x, w, b), plain: plainConv },
  attention: { shapes: qkv, op: (q, k, v) => nn.attention(q, k, v, 2), plain: (q, k, v) => plainAttention(q, k, v, 2) },
  'attention with one head': { shapes: qkv, op: (q, k, v) => nn.attention(q, k, v, 1), plain: (q, k, v) => plainAttention(q, k, v, 1) },
  'attention with a mask': { shapes: [[2, 5, 6], [2, 5, 6], [2, 5, 6]], op: (q, k, v) => nn.attention(q, k, v, 2, causal()), plain: (q, k, v) => plainAttention(q, k, v, 2, causal()) },
  'attention in chunks': { shapes: qkv, op: (q, k, v) => nn.attention(q, k, v, 2, undefined, 56), plain: (q, k, v) => plainAttention(q, k, v, 2) },
  'conv2d with stride and padding': { shapes: [[2, 5, 6, 3], [3, 3, 3, 2], [2]], op: (x, w, b) => nn.conv2d(x, w, b, { stride: 2, padding: [[0, 1], [1, 0]] }), plain: (x, w, b) => tf.add(tf.conv2d(tf.pad(x, [[0, 0], [0, 1], [1, 0], [0, 0]]) as tf.Tensor4D, w as tf.Tensor4D, 2, 'valid'), b) },
  upsampleConv2d: { shapes: [[2, 3, 4, 3], [3, 3, 3, 2], [2]], op: nn.upsampleConv2d, plain: (x, w, b) => plainConv(nn.upsampleNearest2x(x), w, b) },
  'convolution in strips': { shapes: [[2, 7, 4, 3], [3, 3, 3, 2], [2]], op: (x, w, b) => join(nn.convStrips(nn.toStrips(x, 3), w, b)), plain: plainConv },
  'upsampling convolution in strips': { shapes: [[1, 5, 4, 3], [3, 3, 3, 2], [2]], op: (x, w, b) => join(nn.upsampleConvStrips(nn.toStrips(x, 2), w, b)), plain: (x, w, b) => plainConv(nn.upsampleNearest2x(x), w, b) },
  'groupNormSilu in strips': { shapes: norm, op: (x, g, b) => join(nn.groupNormSiluStrips(nn.toStrips(x, 2), g, b, 2, 1e-5)), plain: (x, g, b) => plainSilu(plainGroupNorm(x, g, b, 2, 1e-5)) },
};

/** Value and gradients of Σ f(xs)·d for a fixed uneven d. */
function valueAndGradients(f: Op, xs: Tensor[]): Tensor[] {
  let y: Tensor | undefined;
  const { grads } = tf.valueAndGrads((...inputs: Tensor[]) => {
    y = tf.keep(f(...inputs));
    return tf.sum(tf.mul(y, tf.tensor(noise(y.size, 77), y.shape))) as tf.Scalar;
  })(xs);
  return [y!, ...grads];
}

const executors: Record<string, Executor> = {};
beforeAll(async () => {
  for (const backend of ['tensorflow-eager', 'tensorflow', 'wasm'] as const) {
    const e = executors[backend] = await createExecutor({ backend });
    for (const [name, { shapes, op, plain }] of Object.entries(cases)) {
      const inputs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, { shape, dtype: 'float32' as const }]));
      for (const [kind, f] of [['own', op], ['plain', plain]] as const) {
        e.define(`${name} ${kind}`, inputs, (x) => ({ outputs: Object.fromEntries(valueAndGradients(f, shapes.map((_, i) => x[`x${i}`]!)).map((t, i) => [`${i}`, t])) }));
      }
    }
  }
}, 60_000);
afterAll(() => Object.values(executors).forEach((e) => e.dispose()));

describe.each(['tensorflow-eager', 'tensorflow', 'wasm'])('on %s', (backend) => {
  test.each(Object.keys(cases))('%s is what it says, and so are its gradients', async (name) => {
    const { shapes, offset = 0 } = cases[name]!;
    const inputs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, { shape, data: noise(shape.reduce((a, b) => a * b, 1), i + 3).map((v) => v + offset) }]));
    const own = await executors[backend]!.run(`${name} own`, inputs), plain = await executors['tensorflow-eager']!.run(`${name} plain`, inputs);
    expect(Object.keys(own)).toHaveLength(shapes.length + 1);
    for (const [i, want] of Object.entries(plain)) {
      expect(own[i]!.shape).toEqual(want.shape);
      expect([i, relativeError(own[i]!.data, want.data) < 2e-5 * (offset ? 50 : 1)]).toEqual([i, true]);
    }
  });
});
