/** From gradients to new variables: clip, optimizer, EMA. */
import type { Executor, State, UpdateLoop } from '../backend/executor.ts';
import { clipFactor, globalNorm } from '../optim/clipGradNorm.ts';
import { emaUpdate } from '../optim/ema.ts';
import { stored } from '../ops/fuse.ts';
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import { emaName } from '../trainables/trainables.ts';
import type { StepOptions } from './stepOptions.ts';

export const slotName = (slot: string, variable: string): string => `optimizer.${slot}.${variable}`;
export const accumulatorName = (variable: string): string => `accumulated.${variable}`;

/** Declares the optimizer's state of every trained variable and, when batches are accumulated, the sums of gradients. All start at zero. */
export function declareOptimizer(executor: Executor, { trained, optimizer, accumulation }: StepOptions): void {
  const specs = executor.variables();
  for (const name of trained) {
    const { shape } = specs.get(name)!;
    for (const [slot, spec] of Object.entries(optimizer.slots(shape))) executor.declare(slotName(slot, name), spec, 'zeros');
    if (accumulation > 1) executor.declare(accumulatorName(name), { shape }, 'zeros');
  }
}

/** Names of the optimizer's state variables: what a checkpoint has to keep. */
export function optimizerVariables(executor: Executor, { trained, optimizer }: StepOptions): string[] {
  const specs = executor.variables();
  return trained.flatMap((name) => Object.keys(optimizer.slots(specs.get(name)!.shape)).map((slot) => slotName(slot, name)));
}

/** New values of one variable, its optimizer state and its EMA. */
function updateOne(o: StepOptions, state: State, name: string, unclipped: Tensor, factor: Tensor | undefined, scalars: Tensor[], oneMinusDecay: Tensor | undefined): TensorMap {
  const param = state.get(name), grad = factor ? tf.mul(unclipped, factor) : unclipped;
  const before = Object.fromEntries(Object.keys(o.optimizer.slots(param.shape)).map((slot) => [slot, state.get(slotName(slot, name))]));
  const { param: next, slots } = o.optimizer.update(param, grad, before, scalars), after = stored(next, param);
  return {
    [name]: after,
    ...Object.fromEntries(Object.entries(slots).map(([slot, t]) => [slotName(slot, name), t as Tensor])),
    ...(oneMinusDecay ? { [emaName(name)]: emaUpdate(state.get(emaName(name)), after, oneMinusDecay) } : {}),
  };
}

/** `updates` and `loops` as in the executor's StepResult. */
export interface Update { updates: TensorMap; loops: UpdateLoop[]; norm: Tensor }

/**
 * Clips the gradients to the norm and steps the optimizer, a loop for each of `grads`; variables without a gradient stay. Inputs: see
 * `updateInputs`. `gradient`: one of them as its loop has it, where gradients are variables too.
 */
export function clipAndUpdate(o: StepOptions, state: State, grads: Map<string, Tensor>, inputs: TensorMap, gradient = (_own: State, name: string): Tensor => grads.get(name)!): Update {
  const norm = globalNorm([...grads.values()]), factor = clipFactor(norm, o.maxGradNorm);
  const scalars = tf.unstack(inputs['optimizer_scalars']!), second = o.second ? tf.unstack(inputs['optimizer_scalars_second']!) : scalars;
  const oneMinusDecay = o.ema ? inputs['one_minus_ema_decay'] : undefined;
  const loops = [...grads.keys()].map((name): UpdateLoop =>
    (own) => updateOne(o, own, name, gradient(own, name), o.maxGradNorm > 0 ? factor : undefined, o.second?.(name) ? second : scalars, oneMinusDecay));
  if (o.optimizer.elementwise) return { updates: {}, loops, norm };
  return { updates: Object.assign({}, ...loops.map((loop) => loop(state))) as TensorMap, loops: [], norm };
}
