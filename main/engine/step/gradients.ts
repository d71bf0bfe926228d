/** Gradients of a scalar with respect to executor variables, with everything else that was computed on the way. */
import type { State } from '../backend/executor.ts';
import { tf, type Tensor, type TensorMap } from '../tf.ts';

/** A state that always hands out the same tensor for a variable, which is what tfjs differentiates by. */
function steady(state: State): State {
  const known = new Map<string, Tensor>();
  return {
    has: (name) => state.has(name),
    get(name) {
      const before = known.get(name);
      if (before) return before;
      const tensor = state.get(name);
      known.set(name, tensor);
      return tensor;
    },
  };
}

/** `grads` by variable; one that the scalar does not depend on has none. `report`: what `f` reported. */
export interface Differentiated { grads: Map<string, Tensor>; report: TensorMap }

/** d f / d variables. `f` returns the scalar and any tensors to report. */
export function gradientsOf(state: State, variables: string[], f: (state: State) => { scalar: Tensor; report: TensorMap }): Differentiated {
  const fixed = steady(state);
  let kept: TensorMap = {};
  const { grads } = tf.engine().gradients(() => {
    const { scalar, report } = f(fixed);
    kept = Object.fromEntries(Object.entries(report).map(([name, t]) => [name, tf.keep(tf.clone(t))]));
    return scalar;
  }, variables.map((name) => fixed.get(name)), undefined, true);
  const report = Object.fromEntries(Object.entries(kept).map(([name, t]) => [name, tf.clone(t)]));
  tf.dispose(kept);
  const found = variables.flatMap((name, i): [string, Tensor][] => (grads[i] ? [[name, grads[i]]] : []));
  return { grads: new Map(found), report };
}
