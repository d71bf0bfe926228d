/** Gradient checkpointing of one block of a model (Chen et al. 2016, "Training deep nets with sublinear memory cost"). */
import { recompute } from '../backend/checkpoint.ts';
import type { Tensor } from '../tf.ts';
import type { ModelContext } from './context.ts';

/**
 * fn(...inputs), a block of a model. With ctx.checkpointing its activations are recomputed in the backward pass
 * instead of kept; the weights that it takes from the context get their gradients either way.
 */
export function checkpointed(ctx: ModelContext, fn: (...inputs: Tensor[]) => Tensor, inputs: Tensor[]): Tensor {
  return ctx.checkpointing ? recompute(fn, inputs) : fn(...inputs);
}
