/** AdamW whose state takes two bytes a weight instead of eight; see blockQuantise.ts for the map. */
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import { adamwScalars, adamwStep, ADAMW_DEFAULTS, type AdamWOptions } from './adamw.ts';
import { BLOCK, blockCount, dequantise, ditherPhase, quantise } from './blockQuantise.ts';
import type { Optimizer, SlotSpec, Updated } from './optimizer.ts';

/** Smaller tensors keep float32 state: they weigh little and vary most. */
const SMALLEST = 4096;
const sizeOf = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

function slots(shape: number[]): Record<string, SlotSpec> {
  if (sizeOf(shape) < SMALLEST) return { m: { shape }, v: { shape } };
  const blocks = blockCount(sizeOf(shape)), codes: SlotSpec = { shape: [blocks, BLOCK], dtype: 'uint8' };
  return { m_codes: codes, m_scale: { shape: [blocks] }, r_codes: codes, r_scale: { shape: [blocks] } };
}

/** First moments are stored signed, second moments by their root r = √v, whose range is half as wide in powers of ten. */
export function adamw8bit(options: Partial<AdamWOptions> = {}): Optimizer {
  const o = { ...ADAMW_DEFAULTS, ...options };
  return {
    name: 'adamw8bit',
    slots,
    scalars: (step, lr) => [...adamwScalars(o, step, lr), ditherPhase(step)],
    update(param: Tensor, grad: Tensor, s: TensorMap, scalars: Tensor[]): Updated {
      if (s['m']) {
        const { p, m, v } = adamwStep(o, param, grad, s['m'], s['v']!, scalars);
        return { param: p, slots: { m, v } };
      }
      const before = dequantise({ codes: s['m_codes']!, scale: s['m_scale']! }, true, param.shape);
      const root = dequantise({ codes: s['r_codes']!, scale: s['r_scale']! }, false, param.shape);
      const { p, m, v } = adamwStep(o, param, grad, before, tf.square(root), scalars);
      const phase = scalars[3]!, first = quantise(m, true, phase), second = quantise(tf.sqrt(v), false, phase);
      return { param: p, slots: { m_codes: first.codes, m_scale: first.scale, r_codes: second.codes, r_scale: second.scale } };
    },
  };
}
