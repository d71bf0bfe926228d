/** AdamW (Loshchilov & Hutter 2019, "Decoupled weight decay regularization") with PyTorch's arithmetic. */
import { stored } from '../ops/fuse.ts';
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import type { Optimizer, Updated } from './optimizer.ts';

export interface AdamWOptions { beta1: number; beta2: number; eps: number; weight_decay: number }
export const ADAMW_DEFAULTS: AdamWOptions = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 1e-2 };

/** AdamW's numbers of one step, in the order that `adamwStep` takes them. */
export function adamwScalars({ beta1, beta2, weight_decay }: AdamWOptions, step: number, lr: number): number[] {
  return [lr / (1 - beta1 ** step), Math.sqrt(1 - beta2 ** step), lr * weight_decay];
}

/** m ← m + (1−β₁)(g − m),  v ← v + (1−β₂)(g² − v),  p ← p − lr·λ·p − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε). */
export function adamwStep(o: AdamWOptions, p: Tensor, g: Tensor, m: Tensor, v: Tensor, [stepSize, root2, decay]: Tensor[]): { p: Tensor; m: Tensor; v: Tensor } {
  const m1 = stored(tf.add(m, tf.mul(tf.sub(g, m), 1 - o.beta1)), m);
  const v1 = stored(tf.add(v, tf.mul(tf.sub(tf.square(g), v), 1 - o.beta2)), v);
  const direction = tf.div(m1, tf.add(tf.div(tf.sqrt(v1), root2!), o.eps));
  const decayed = tf.mul(p, tf.sub(1, decay!));
  return { p: tf.sub(decayed, tf.mul(direction, stepSize!)), m: m1, v: v1 };
}

/** AdamW with float32 state: slots `m` and `v` of the parameter's shape. */
export function adamw(options: Partial<AdamWOptions> = {}): Optimizer {
  const o = { ...ADAMW_DEFAULTS, ...options };
  return {
    name: 'adamw',
    elementwise: true,
    slots: (shape) => ({ m: { shape }, v: { shape } }),
    scalars: (step, lr) => adamwScalars(o, step, lr),
    update(param: Tensor, grad: Tensor, slots: TensorMap, scalars: Tensor[]): Updated {
      const { p, m, v } = adamwStep(o, param, grad, slots['m']!, slots['v']!, scalars);
      return { param: p, slots: { m, v } };
    },
  };
}
