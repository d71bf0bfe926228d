/** Neural network primitives on tfjs-core, NHWC. Shapes in brackets; N batch, H×W space, C channels, L/S tokens. */
import { tf, type Tensor } from '../tf.ts';

/** y = x·w (+ b). x [..., in], w [in, out], b [out] -> [..., out]. */
export function linear(x: Tensor, w: Tensor, b?: Tensor): Tensor {
  const inner = x.shape[x.shape.length - 1]!;
  const flat = tf.matMul(tf.reshape(x, [-1, inner]) as tf.Tensor2D, w as tf.Tensor2D);
  const y = b ? tf.add(flat, b) : flat;
  return tf.reshape(y, [...x.shape.slice(0, -1), w.shape[1]!]);
}

export type ConvOptions = { stride?: number; /** zero padding [[top,bottom],[left,right]] or one number for all */ padding?: number | [[number, number], [number, number]] };

/** 2-D convolution (cross-correlation). x [N,H,W,Cin], w [kh,kw,Cin,Cout], b [Cout]. Default padding keeps the size of odd kernels. */
export function conv2d(x: Tensor, w: Tensor, b?: Tensor, { stride = 1, padding }: ConvOptions = {}): Tensor {
  const k = w.shape[0]!;
  const p = padding ?? (k - 1) / 2;
  const same = stride === 1 && typeof p === 'number' && p === (k - 1) / 2;
  const pads: [[number, number], [number, number]] = typeof p === 'number' ? [[p, p], [p, p]] : p;
  const padded = same || pads.flat().every((v) => v === 0) ? x : tf.pad(x, [[0, 0], ...pads, [0, 0]]);
  const y = tf.conv2d(padded as tf.Tensor4D, w as tf.Tensor4D, stride, same ? 'same' : 'valid');
  return b ? tf.add(y, b) : y;
}

/** GroupNorm over H, W and the channels of each group (Wu & He 2018). x [N,H,W,C]; gamma, beta [C]. */
export function groupNorm(x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const g = tf.reshape(x, [n, h * w, groups, c / groups]);
  const centred = tf.sub(g, tf.mean(g, [1, 3], true));
  const variance = tf.mean(tf.square(centred), [1, 3], true);
  const y = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, eps))), [n, h, w, c]);
  return tf.add(tf.mul(y, gamma), beta);
}

/** LayerNorm over the last axis. x [...,C]; gamma, beta [C]. */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, eps = 1e-5): Tensor {
  const centred = tf.sub(x, tf.mean(x, [-1], true));
  const variance = tf.mean(tf.square(centred), [-1], true);
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, eps))), gamma), beta);
}

export const silu = (x: Tensor): Tensor => tf.mul(x, tf.sigmoid(x));
/** Exact GELU: x·Φ(x). */
export const gelu = (x: Tensor): Tensor => tf.mul(tf.mul(x, tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)), 0.5);
/** x·σ(1.702x), as OpenAI's CLIP. */
export const quickGelu = (x: Tensor): Tensor => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));

/**
 * Multi-head scaled dot-product attention. q [N,L,C], k and v [N,S,C] -> [N,L,C]; `mask` is added to the scores,
 * broadcast to [N,heads,L,S] (causal: -inf above the diagonal as a large negative number).
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, mask?: Tensor): Tensor {
  const [n, l, c] = q.shape as [number, number, number];
  const split = (x: Tensor): Tensor => tf.transpose(tf.reshape(x, [n, x.shape[1]!, heads, c / heads]), [0, 2, 1, 3]);
  let scores = tf.matMul(tf.mul(split(q), 1 / Math.sqrt(c / heads)), split(k), false, true);
  if (mask) scores = tf.add(scores, mask);
  const y = tf.matMul(tf.softmax(scores), split(v));
  return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [n, l, c]);
}

/** Nearest-neighbour ×2 by reshape and concat (tfjs's resize gradients are wrong or missing on some backends). x [N,H,W,C]. */
export function upsampleNearest2x(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const cols = tf.reshape(x, [n * h * w, 1, c]);
  const wide = tf.reshape(tf.concat([cols, cols], 1), [n * h, 1, 2 * w * c]);
  return tf.reshape(tf.concat([wide, wide], 1), [n, 2 * h, 2 * w, c]);
}
