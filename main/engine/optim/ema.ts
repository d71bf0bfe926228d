/** Exponential moving average of weights (Polyak & Juditsky 1992), with diffusers' EMAModel decay. */
import { tf, type Tensor } from '../tf.ts';

export interface EmaOptions { decay: number; min_decay?: number; update_after_step?: number; use_ema_warmup?: boolean; inv_gamma?: number; power?: number }

/**
 * The decay after optimizer step `step` (from 1): 0 at first, then (1+s)/(10+s) or, with `use_ema_warmup`,
 * 1 − (1 + s/inv_gamma)^−power, held between `min_decay` and `decay`; s = step − update_after_step − 1.
 */
export function emaDecay(step: number, o: EmaOptions): number {
  const s = Math.max(0, step - (o.update_after_step ?? 0) - 1);
  if (s <= 0) return 0;
  const growing = o.use_ema_warmup ? 1 - (1 + s / (o.inv_gamma ?? 1)) ** -(o.power ?? 2 / 3) : (1 + s) / (10 + s);
  return Math.max(Math.min(growing, o.decay), o.min_decay ?? 0);
}

/** shadow ← shadow − (1 − decay)·(shadow − param); `oneMinusDecay` is a scalar tensor, 0 to leave the shadow as it is. */
export function emaUpdate(shadow: Tensor, param: Tensor, oneMinusDecay: Tensor): Tensor {
  return tf.sub(shadow, tf.mul(oneMinusDecay, tf.sub(shadow, param)));
}
