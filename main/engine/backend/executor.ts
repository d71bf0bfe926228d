/**
 * The executor: what stands between pure step functions and the machine.
 *
 * A step function is written once, on tfjs-core, as (inputs, state) -> {outputs, updates}. An executor owns the
 * variables ("state") and runs step functions against them: eagerly (wasm, WebGPU, plain TensorFlow; tests), or
 * compiled (backend/graph: recorded once per shape into one TensorFlow graph in which variables live in the session).
 * Both give the same numbers; a test holds that.
 */
import type { Tensor, TensorMap } from '../tf.ts';

export type InputSpec = { shape: number[]; dtype: 'float32' | 'int32' };
export type HostArray = Float32Array | Int32Array;
export type HostTensor = { shape: number[]; data: HostArray };

/**
 * `float32` is stored as is; the half types are storage for frozen weights: read as values, computed on in compute precision.
 * `uint8` holds whole numbers 0 … 255, read and updated as float32 tensors: quantised optimizer state.
 */
export type StorageDtype = 'float32' | 'bfloat16' | 'float16' | 'uint8';
export type VariableSpec = { shape: number[]; dtype?: StorageDtype };

/** Read access to the executor's variables from inside a step function. */
export interface State {
  /** The variable's current value as a float32-typed tfjs tensor. Throws when it was never declared. */
  get(name: string): Tensor;
  has(name: string): boolean;
}

/**
 * `updates` become the values of the variables of the same names; within the step every read sees the old value.
 * With `applyIf` (a scalar, float32 or bool) they are only applied when it is not zero: that is how a step with non-finite
 * gradients leaves the weights alone. Half-stored variables are frozen and cannot be updated.
 */
export type StepResult = { outputs: TensorMap; updates?: TensorMap; loops?: UpdateLoop[]; applyIf?: Tensor };

/**
 * Elementwise updates of variables, read from the state that it is given: where that can be compiled, one pass over memory that writes each new
 * value where the old one was. What the state hands out must not be used elsewhere.
 */
export type UpdateLoop = (state: State) => TensorMap;
export type StepFunction = (inputs: TensorMap, state: State) => StepResult;

/** Compute precision of convolutions and matrix products; everything else stays float32. */
export type Precision = 'fp32' | 'bf16' | 'fp16';

export interface ExecutorInfo {
  kind: 'compiled' | 'eager';
  /** tfjs backend name: tensorflow, wasm, cpu … */
  backend: string;
  /** e.g. "TensorFlow 2.21.0" */
  version: string;
  device: string;
  precision: Precision;
  /** of compiled steps: whether oneDNN's are asked for, and which kinds of heavy operations run in the half precision */
  kernels?: { oneDnn: boolean; half: string[] };
}

export interface Executor {
  readonly info: ExecutorInfo;
  /** Declares a variable and sets it: from host values (row-major float32, tfjs layout), or to zeros. */
  declare(name: string, spec: VariableSpec, init: Float32Array | 'zeros'): void;
  /** Declares a step function for fixed input shapes. The same name again with other shapes is an error. */
  define(name: string, inputs: Record<string, InputSpec>, fn: StepFunction): void;
  isDefined(name: string): boolean;
  /**
   * Traces and loads everything declared so far. Called by `run` when needed; callers call it to show the stage.
   * Functions defined later trigger another, which moves the variables over, one at a time.
   */
  prepare(onProgress?: (part: 'tracing' | 'loading' | 'weights', done: number, total: number) => void): void;
  /** Runs one function; returns its outputs. Synchronous work inside; host arrays in row-major order. */
  run(name: string, inputs: Record<string, HostTensor>): Promise<Record<string, HostTensor>>;
  /** Reads a variable back to the host as float32. */
  read(name: string): Float32Array;
  /** Overwrites a declared variable. Throws on a wrong length. */
  write(name: string, data: Float32Array): void;
  variables(): Map<string, VariableSpec>;
  /** Frees every tensor, session and temporary file. */
  dispose(): void;
}
