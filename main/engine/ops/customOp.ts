/** Operations with a gradient of their own. */
import { tf, type Tensor } from '../tf.ts';

interface KernelParams { forwardFunc: (backend: unknown, save: (t: Tensor[]) => void) => Tensor[]; backwardsFunc: (dy: Tensor | Tensor[], saved: Tensor[]) => Record<string, () => Tensor>; inputs: Record<string, Tensor> }

/** An operation's value and what its gradient needs of it. */
export interface Computed { value: Tensor; saved: Tensor[] }

/**
 * value = compute(), differentiable in `inputs`: `gradients(dy, saved)` gives one function per input, called only for those whose
 * gradient is needed (tf.customGrad computes all of them, those of frozen weights too). What the functions share may be
 * computed before they are returned.
 */
export function customOp(inputs: Tensor[], compute: () => Computed, gradients: (dy: Tensor, saved: Tensor[]) => (() => Tensor)[]): Tensor {
  const several = (): { values: Tensor[]; saved: Tensor[] } => { const { value, saved } = compute(); return { values: [value], saved }; };
  return customOps(inputs, several, ([dy], saved) => gradients(dy!, saved))[0]!;
}

/** `customOp` with several results: `gradients` is given one dy for each. */
export function customOps(inputs: Tensor[], compute: () => { values: Tensor[]; saved: Tensor[] }, gradients: (dys: Tensor[], saved: Tensor[]) => (() => Tensor)[]): Tensor[] {
  const engine = tf.engine() as unknown as { runKernelFunc(params: KernelParams): Tensor[] };
  return engine.runKernelFunc({
    inputs: Object.fromEntries(inputs.map((x, i) => [i, x])),
    forwardFunc(_, save) {
      const { values, saved } = compute();
      save(saved);
      return values;
    },
    backwardsFunc: (dy, saved) => Object.fromEntries(gradients(Array.isArray(dy) ? dy : [dy], saved).map((g, i) => [i, g])),
  });
}
