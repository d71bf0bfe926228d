/** What both executors check before they run a step: that inputs and updates are what was declared. */
import type { Tensor, TensorMap } from '../tf.ts';
import { misuse } from './errors.ts';
import type { HostTensor, InputSpec, State, StepFunction, StepResult, VariableSpec } from './executor.ts';

export interface StepDefinition { name: string; inputs: Record<string, InputSpec>; fn: StepFunction }

export const sizeOf = (shape: number[]): number => shape.reduce((product, d) => product * d, 1);

/** Adds a definition, or throws when the name stands for other shapes already. Defining the same again changes nothing. */
export function addDefinition(known: Map<string, StepDefinition>, step: StepDefinition): void {
  const before = known.get(step.name);
  if (!before) { known.set(step.name, step); return; }
  if (JSON.stringify(before.inputs) !== JSON.stringify(step.inputs)) throw misuse(`"${step.name}" is defined already, for other inputs`);
}

/** Throws unless `given` are exactly the inputs of the step, of their shapes and dtypes. */
export function checkInputs({ name, inputs }: StepDefinition, given: Record<string, HostTensor>): void {
  for (const key of Object.keys(given)) if (!(key in inputs)) throw misuse(`"${name}" has no input "${key}"`);
  for (const [key, spec] of Object.entries(inputs)) {
    const value = given[key];
    if (!value) throw misuse(`"${name}" needs its input "${key}"`);
    const dtype = value.data instanceof Int32Array ? 'int32' : 'float32';
    if (value.shape.join() !== spec.shape.join() || dtype !== spec.dtype || value.data.length !== sizeOf(spec.shape)) {
      throw misuse(`input "${key}" of "${name}" is ${dtype} [${value.shape}] with ${value.data.length} values, should be ${spec.dtype} [${spec.shape}]`);
    }
  }
}

/** Updates and loops of a result, computed with `state`. */
export const allUpdates = ({ updates, loops }: StepResult, state: State): TensorMap => Object.assign({ ...updates }, ...(loops ?? []).map((loop) => loop(state))) as TensorMap;

/** New values of variables as a list, checked against their declarations. */
export function checkedUpdates(step: string, updates: TensorMap, variables: Map<string, VariableSpec>): [string, Tensor][] {
  const list = Object.entries(updates);
  for (const [name, tensor] of list) {
    const spec = variables.get(name);
    if (!spec) throw misuse(`"${step}" updates "${name}", which was never declared`);
    if (spec.dtype === 'bfloat16' || spec.dtype === 'float16') throw misuse(`"${step}" updates "${name}", which is stored as ${spec.dtype} and therefore frozen`);
    if (spec.shape.join() !== tensor.shape.join()) throw misuse(`"${step}" updates "${name}" [${spec.shape}] with a tensor [${tensor.shape}]`);
  }
  return list;
}

/** Throws unless `init` has as many values as the shape asks for. */
export function checkLength(name: string, shape: number[], length: number): void {
  if (length !== sizeOf(shape)) throw misuse(`"${name}" [${shape}] needs ${sizeOf(shape)} values, got ${length}`);
}
