/** What the model tests share: fixture weights as a ModelContext on eager TensorFlow. */
import { loadNodeBackend } from '../../main/engine/backend/nodeBinding.ts';
import type { ModelContext } from '../../main/engine/models/context.ts';
import { relativeError, type FloatTensor, type Weights } from '../../main/engine/parity/fixture.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';

export const PARITY = process.env['LPL_PARITY_FIXTURES'] ?? new URL('../fixtures/parity', import.meta.url).pathname;

loadNodeBackend();

export const tensorOf = ({ shape, data }: FloatTensor): Tensor => tf.tensor(data, shape);

/** A context over fixed weights. Throws on a name that the file lacks. */
export function contextOf(weights: Weights): ModelContext {
  const tensors = new Map([...weights].map(([name, w]) => [name, tf.keep(tensorOf(w))]));
  return {
    has: (name) => tensors.has(name),
    w(name) {
      const t = tensors.get(name);
      if (!t) throw new Error(`no weight ${name}`);
      return t;
    },
  };
}

/** Relative error of a tensor against a fixture; disposes nothing. */
export const errorOf = (actual: Tensor, expected: FloatTensor): number =>
  relativeError({ shape: actual.shape, data: actual.dataSync() as Float32Array }, expected);

export const shapesOf = (weights: Weights): Record<string, number[]> => Object.fromEntries([...weights].map(([n, w]) => [n, w.shape]));
