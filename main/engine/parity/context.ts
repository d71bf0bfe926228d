/** Fixture weights as the models' context, on the current tfjs backend. */
import type { ModelContext } from '../models/context.ts';
import { tf, type Tensor } from '../tf.ts';
import type { FloatTensor, Weights } from './fixture.ts';

export const tensorOf = ({ shape, data }: FloatTensor): Tensor => tf.tensor(data, shape);

/** A context over fixed weights; `dispose` frees them. `w` throws on a name that the weights lack. */
export function contextOf(weights: Weights): ModelContext & { dispose(): void } {
  const tensors = new Map([...weights].map(([name, w]) => [name, tf.keep(tensorOf(w))]));
  return {
    has: (name) => tensors.has(name),
    w(name) {
      const t = tensors.get(name);
      if (!t) throw new Error(`no weight ${name}`);
      return t;
    },
    dispose: () => tensors.forEach((t) => { t.dispose(); }),
  };
}
