/** What the training step asks of an optimizer: pure (parameter, gradient, state, numbers of this step) -> new ones. */
import type { StorageDtype } from '../backend/executor.ts';
import type { Tensor, TensorMap } from '../tf.ts';

/** One state tensor of a parameter; all start at zero. */
export interface SlotSpec { shape: number[]; dtype?: StorageDtype }

export interface Updated { param: Tensor; slots: TensorMap }

export interface Optimizer {
  readonly name: string;
  /** `update` works element by element on tensors of the parameter's shape: it can be compiled into one loop */
  readonly elementwise?: boolean;
  /** The state that a parameter of this shape needs, by name. */
  slots(shape: number[]): Record<string, SlotSpec>;
  /** This step's numbers, computed in double precision on the host and fed to `update`. `step` counts from 1. */
  scalars(step: number, lr: number): number[];
  /** One parameter's new value and state. A step with non-finite gradients is not applied: see StepResult.applyIf in the executor. */
  update(param: Tensor, grad: Tensor, slots: TensorMap, scalars: Tensor[]): Updated;
}
