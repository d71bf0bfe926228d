/**
 * Loss scaling (Micikevicius et al. 2018, "Mixed precision training"): half precision knows nothing below 6e-8, and gradients of a mean over a
 * picture's values are smaller than that. The loss is multiplied before it is differentiated and the gradients are divided again, in float32.
 *
 * Every step tries the same scales in turn until its gradients are finite. A scale that is remembered, as is usual, would make a resumed run
 * differ from one that was never stopped.
 */
import type { HostTensor, Precision } from '../backend/executor.ts';

const SCALES = [2 ** 14, 2 ** 9, 2 ** 4, 1];
const input = (scale: number): HostTensor => ({ shape: [1], data: Float32Array.of(scale) });
export const FIRST_SCALE = input(SCALES[0]!);

export const needsLossScale = (precision: Precision): boolean => precision === 'fp16';

/** Runs a step with one scale after another until `finite` is 1. A loss that is not finite itself ends the search: no scale would help. */
export async function withLossScale(run: (scale: HostTensor) => Promise<Record<string, HostTensor>>): Promise<Record<string, HostTensor>> {
  let out: Record<string, HostTensor> = {};
  for (const scale of SCALES) {
    out = await run(input(scale));
    if (out['finite']!.data[0] === 1 || !Number.isFinite(out['loss']!.data[0])) break;
  }
  return out;
}
