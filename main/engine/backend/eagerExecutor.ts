/** Steps run op by op on a tfjs backend (TensorFlow, wasm, cpu): slower, and the reference that compiled steps are held to. */
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import { misuse } from './errors.ts';
import type { Executor, ExecutorInfo, HostArray, HostTensor, InputSpec, State, StepFunction, StepResult, VariableSpec } from './executor.ts';
import { roundTo } from './halfRounding.ts';
import { addDefinition, allUpdates, checkedUpdates, checkInputs, checkLength, sizeOf, type StepDefinition } from './stepCheck.ts';

/** Half-stored variables hold their rounded values as float32 here: tfjs has no half types. */
export class EagerExecutor implements Executor {
  readonly info: ExecutorInfo;
  private readonly specs = new Map<string, VariableSpec>();
  private readonly values = new Map<string, Tensor>();
  private readonly steps = new Map<string, StepDefinition>();

  /** `info.backend` must be registered with tfjs and ready. */
  constructor(info: Omit<ExecutorInfo, 'kind' | 'precision'>) {
    this.info = { ...info, kind: 'eager', precision: 'fp32' };
  }

  declare(name: string, spec: VariableSpec, init: Float32Array | 'zeros'): void {
    if (this.specs.has(name)) throw misuse(`"${name}" is declared already`);
    const data = init === 'zeros' ? new Float32Array(sizeOf(spec.shape)) : init;
    checkLength(name, spec.shape, data.length);
    this.specs.set(name, spec);
    this.write(name, data);
  }

  define(name: string, inputs: Record<string, InputSpec>, fn: StepFunction): void { addDefinition(this.steps, { name, inputs, fn }); }
  isDefined(name: string): boolean { return this.steps.has(name); }
  prepare(): void { /* nothing to compile */ }
  variables(): Map<string, VariableSpec> { return new Map(this.specs); }

  async run(name: string, inputs: Record<string, HostTensor>): Promise<Record<string, HostTensor>> {
    const step = this.steps.get(name);
    if (!step) throw misuse(`"${name}" was never defined`);
    checkInputs(step, inputs);
    this.activate();
    const result = this.compute(step, inputs);
    const kept = Object.values(result.outputs);
    try {
      const apply = !result.applyIf || (await result.applyIf.data())[0] !== 0;
      const outputs: Record<string, HostTensor> = {};
      for (const [key, t] of Object.entries(result.outputs)) outputs[key] = { shape: t.shape, data: await hostData(t) };
      for (const [key, t] of Object.entries(result.updates ?? {})) if (apply) this.replace(key, t); else t.dispose();
      return outputs;
    } finally { tf.dispose([...kept, ...(result.applyIf ? [result.applyIf] : [])]); }
  }

  read(name: string): Float32Array {
    this.activate();
    return Float32Array.from(this.value(name).dataSync());
  }

  write(name: string, data: Float32Array): void {
    const spec = this.specs.get(name);
    if (!spec) throw misuse(`"${name}" was never declared`);
    checkLength(name, spec.shape, data.length);
    this.activate();
    this.replace(name, tf.tensor(roundTo(spec.dtype ?? 'float32', data), spec.shape));
  }

  dispose(): void {
    tf.dispose([...this.values.values()]);
    this.values.clear();
    this.specs.clear();
  }

  private activate(): void { if (tf.getBackend() !== this.info.backend) tf.setBackend(this.info.backend); }

  private value(name: string): Tensor {
    const value = this.values.get(name);
    if (!value) throw misuse(`"${name}" was never declared`);
    return value;
  }

  private replace(name: string, tensor: Tensor): void {
    this.values.get(name)?.dispose();
    this.values.set(name, tf.keep(tensor));
  }

  /** Runs the step function; what it returns is cloned, so that variables and inputs returned as they are stay owned here. */
  private compute(step: StepDefinition, inputs: Record<string, HostTensor>): StepResult {
    const state: State = { get: (name) => this.value(name), has: (name) => this.specs.has(name) };
    const clones = (map: TensorMap): TensorMap => Object.fromEntries(Object.entries(map).map(([key, t]) => [key, tf.clone(t)]));
    let result: StepResult | undefined;
    tf.tidy(() => {
      const tensors = Object.fromEntries(Object.entries(inputs).map(([key, { shape, data }]) => [key, tf.tensor(data, shape, step.inputs[key]!.dtype)]));
      const made = step.fn(tensors, state);
      const updates = Object.fromEntries(checkedUpdates(step.name, allUpdates(made, state), this.specs));
      result = { outputs: clones(made.outputs), updates: clones(updates), ...(made.applyIf ? { applyIf: tf.clone(made.applyIf) } : {}) };
      return [...Object.values(result.outputs), ...Object.values(result.updates!), ...(result.applyIf ? [result.applyIf] : [])];
    });
    return result!;
  }
}

async function hostData(t: Tensor): Promise<HostArray> {
  const data = await t.data();
  return data instanceof Uint8Array ? Int32Array.from(data) : data as HostArray;
}
