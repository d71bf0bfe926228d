/** Adafactor (Shazeer & Stern 2018) with transformers' arithmetic; weights in tfjs layout are factored as PyTorch's would be. */
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import type { Optimizer, Updated } from './optimizer.ts';

export interface AdafactorOptions {
  /** added to g²; floor of a parameter's scale */
  eps: [number, number];
  clip_threshold: number;
  decay_rate: number;
  /** momentum; null: none, and no memory for it */
  beta1: number | null;
  weight_decay: number;
  /** multiply the learning rate by the parameter's root mean square */
  scale_parameter: boolean;
  /** ignore the learning rate and step by min(1e-2, 1/√t) */
  relative_step: boolean;
}
/** transformers' defaults, but with the learning rate that is given and no scaling by the parameter: what a schedule needs. */
export const ADAFACTOR_DEFAULTS: AdafactorOptions = { eps: [1e-30, 1e-3], clip_threshold: 1, decay_rate: -0.8, beta1: null, weight_decay: 0, scale_parameter: false, relative_step: false };

const rms = (x: Tensor): Tensor => tf.sqrt(tf.mean(tf.square(x)));

/**
 * The axes over which rows and columns are averaged: PyTorch's last and last but one. Linear [in,out]: in, out.
 * Convolution HWIO, OIHW there: W, H.
 */
function factoredAxes(rank: number): [row: number, column: number] | undefined {
  return rank < 2 ? undefined : rank === 2 ? [0, 1] : [1, 0];
}

/** A shape with axis `a` left as 1. */
const without = (shape: number[], a: number): number[] => shape.map((d, i) => (i === a ? 1 : d));

/** 1/√ of the running average of g²: from row and column averages, or element by element for vectors. */
function inverseRoot(o: AdafactorOptions, grad: Tensor, slots: TensorMap, beta2: Tensor): { inverse: Tensor; slots: TensorMap } {
  const square = tf.add(tf.square(grad), o.eps[0]);
  const mix = (old: Tensor, now: Tensor): Tensor => tf.add(tf.mul(old, beta2), tf.mul(now, tf.sub(1, beta2)));
  const axes = factoredAxes(grad.shape.length);
  if (!axes) {
    const v = mix(slots['v']!, square);
    return { inverse: tf.rsqrt(v), slots: { v } };
  }
  const row = mix(slots['row']!, tf.mean(square, [axes[0]], true)), column = mix(slots['column']!, tf.mean(square, [axes[1]], true));
  const relative = tf.div(row, tf.mean(row, [axes[1]], true));
  return { inverse: tf.mul(tf.rsqrt(relative), tf.rsqrt(column)), slots: { row, column } };
}

/** u = g/√v̂, u ← u / max(1, RMS(u)/clip), p ← p − lr·λ·p − lr·u (with momentum: its running mean). */
export function adafactor(options: Partial<AdafactorOptions> = {}): Optimizer {
  const o = { ...ADAFACTOR_DEFAULTS, ...options };
  return {
    name: 'adafactor',
    slots(shape) {
      const axes = factoredAxes(shape.length);
      return {
        ...(axes ? { row: { shape: without(shape, axes[0]) }, column: { shape: without(shape, axes[1]) } } : { v: { shape } }),
        ...(o.beta1 === null ? {} : { m: { shape } }),
      };
    },
    scalars: (step, lr) => [o.relative_step ? Math.min(1e-2, 1 / Math.sqrt(step)) : lr, 1 - step ** o.decay_rate],
    update(param: Tensor, grad: Tensor, slots: TensorMap, [lr, beta2]: Tensor[]): Updated {
      const rate = o.scale_parameter ? tf.mul(lr!, tf.maximum(o.eps[1], rms(param))) : lr!;
      const { inverse, slots: next } = inverseRoot(o, grad, slots, beta2!);
      const direction = tf.mul(inverse, grad);
      let step = tf.mul(tf.div(direction, tf.maximum(1, tf.div(rms(direction), o.clip_threshold))), rate);
      if (o.beta1 !== null) next['m'] = step = tf.add(tf.mul(slots['m']!, o.beta1), tf.mul(step, 1 - o.beta1));
      const decayed = o.weight_decay === 0 ? param : tf.sub(param, tf.mul(param, tf.mul(rate, o.weight_decay)));
      return { param: tf.sub(decayed, step), slots: next };
    },
  };
}
