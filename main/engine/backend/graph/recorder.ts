/**
 * A tfjs backend that records instead of computing: each kernel appends TensorFlow nodes to the current body and returns
 * only a shape. tfjs's own gradients run on top of it, so the graph holds the backward pass too.
 */
import { tf, type Tensor } from '../../tf.ts';
import { DT } from '../nodeBinding.ts';
import type { Precision } from '../executor.ts';
import type { HeavyOp } from '../halfOps.ts';
import { quicker } from '../oneDnn.ts';
import { callFunction, type Call, type Functions } from './functions.ts';
import { sizeOf } from '../stepCheck.ts';
import { Body, unreshaped, type Attrs, type GraphNode, type Ref } from './node.ts';

export const tfDtype = (dtype: string): number => {
  if (dtype === 'float32') return DT.float;
  if (dtype === 'int32') return DT.int32;
  if (dtype === 'bool') return DT.bool;
  throw new Error(`tensors of dtype ${dtype} cannot be recorded`);
};

const isHalf = (dtype: number): boolean => dtype === DT.bfloat16 || dtype === DT.half;
/** The most values that are kept through a step rather than made anew. */
const SHARED_FILL = 2 ** 16;
type Values = Float32Array | Int32Array | Uint8Array;
export type Input = tf.TensorInfo | Ref;
const isRef = (x: Input): x is Ref => 'body' in x;

/** What one recording is about: its body, the compute precision of heavy ops, and the functions met on the way, encoded, by name. */
export interface Recording { body: Body; precision: Precision; /** the heavy ops that are computed in that precision, where it is a half one; others in float32 */ halfOps: ReadonlySet<string>; /** oneDNN's kernels can be asked for */ oneDnn: boolean; functions: Functions; /** there is no GPU beside the processor */ oneDevice: boolean; /** XLA may compile marked parts */ xla: boolean; /** in an update loop: whether the step is applied */ applied?: Ref }

export class GraphRecorder extends tf.KernelBackend {
  private recording: Recording | undefined;
  private readonly refs = new WeakMap<object, Ref>();
  private readonly storedNodes = new WeakSet<GraphNode>();

  /** Runs `f` recording into `recording`. */
  record<T>(recording: Recording, f: () => T): T {
    const outer = this.recording;
    this.recording = recording;
    try { return f(); } finally { this.recording = outer; }
  }

  get current(): Recording {
    if (!this.recording) throw new Error('the recording backend is only usable while a step function is traced');
    return this.recording;
  }
  get body(): Body { return this.current.body; }

  ref(x: Input): Ref {
    if (isRef(x)) return this.body.local(x);
    const ref = this.refs.get(x.dataId);
    if (!ref) throw new Error('a tensor of another backend reached the recorder');
    return this.body.local(ref);
  }

  /** A tfjs tensor info that stands for `ref`. */
  info(ref: Ref, dtype: tf.DataType = 'float32', shape: number[] = ref.shape): tf.TensorInfo {
    const dataId = {};
    this.refs.set(dataId, ref);
    return { dataId, shape, dtype };
  }

  /** A tfjs tensor that stands for `ref`. */
  tensor(ref: Ref, dtype: tf.DataType = 'float32'): Tensor {
    return tf.engine().makeTensorFromTensorInfo(this.info(ref, dtype), this);
  }

  /** Records an op computed in its tfjs dtype; half-stored inputs are read as float32. `attrs` must name its own T. */
  op(op: string, inputs: Input[], attrs: Attrs, shape: number[], dtype: tf.DataType = 'float32'): tf.TensorInfo {
    return this.info(this.body.add(op, this.widened(inputs), attrs, [{ shape, dtype: tfDtype(dtype) }])[0]!, dtype);
  }

  /** Records an op with several outputs. */
  ops(op: string, inputs: Input[], attrs: Attrs, outputs: { shape: number[]; dtype: tf.DataType }[]): tf.TensorInfo[] {
    const refs = this.body.add(op, this.widened(inputs), attrs, outputs.map((o) => ({ shape: o.shape, dtype: tfDtype(o.dtype) })));
    return refs.map((r, i) => this.info(r, outputs[i]!.dtype));
  }

  /** Records a convolution or matrix product in the compute precision, which its result keeps until something needs more. */
  heavy(op: HeavyOp, inputs: Input[], attrs: Attrs, shape: number[]): tf.TensorInfo {
    const { precision, halfOps, oneDnn } = this.current;
    if (precision === 'fp32' || !halfOps.has(op)) {
      const plain = { op, attrs: { ...attrs, T: { type: DT.float } } }, chosen = oneDnn ? quicker(op, plain.attrs, inputs[0]!.shape, shape) : plain;
      return this.op(chosen.op, inputs, chosen.attrs, shape);
    }
    const half = precision === 'bf16' ? DT.bfloat16 : DT.half;
    return this.info(this.body.add(op, this.as(inputs, half), { ...attrs, T: { type: half } }, [{ shape, dtype: half }])[0]!);
  }

  /** x + bias on the last axis, in the precision that x was computed in. */
  addBias(x: Tensor, bias: Tensor): Tensor {
    const ref = this.ref(x);
    // The bias may wait for what x is computed from, not for x: TensorFlow fuses the two, and would wait for itself.
    const inputs = [ref, this.body.cast(this.ref(bias), ref.dtype, ref.node?.inputs ?? [])];
    return this.tensor(this.body.add('BiasAdd', inputs, { T: { type: ref.dtype }, data_format: { string: 'NHWC' } }, [{ shape: x.shape, dtype: ref.dtype }])[0]!);
  }

  /** `x`, not to be used before `previous` has been computed. */
  after(x: Tensor, previous: Tensor): Tensor {
    const ref = this.ref(x), { node } = this.ref(previous);
    return this.tensor(this.body.add('Identity', [ref], { T: { type: ref.dtype } }, [{ shape: ref.shape, dtype: ref.dtype }], node ? [node] : [])[0]!, x.dtype);
  }

  /** Records an op that moves data without looking at it: a half-stored input stays so. */
  passThrough(op: string, x: tf.TensorInfo, others: Ref[], attrs: Attrs, shape: number[]): tf.TensorInfo {
    const ref = this.ref(x);
    const [out] = this.body.add(op, [ref, ...others], { T: { type: ref.dtype }, ...attrs }, [{ shape, dtype: ref.dtype }]);
    if (ref.fromVariable) out!.fromVariable = true;
    return this.info(out!, x.dtype);
  }

  /** `x` in another shape. What was only a shape on the way is left out: tfjs's layers and gradients leave thousands of them. */
  reshaped(x: tf.TensorInfo, shape: number[]): tf.TensorInfo {
    const ref = this.ref(x), source = unreshaped(ref);
    if (source.shape.join() === shape.join()) return this.info(source, x.dtype);
    return this.passThrough('Reshape', source === ref ? x : this.info(source, x.dtype), [this.ints(shape)], { Tshape: { type: DT.int32 } }, shape);
  }

  /** The recorded output of `t` in t's tfjs dtype. */
  plain(t: tf.TensorInfo): Ref { return this.widened([t])[0]!; }

  private widened(inputs: Input[]): Ref[] { return this.as(inputs, DT.float); }

  private as(inputs: Input[], dtype: number): Ref[] {
    const refs = inputs.map((x) => this.ref(x));
    const float = (r: Ref): boolean => r.dtype === DT.float || isHalf(r.dtype);
    return refs.map((r) => (float(r) ? this.body.cast(r, dtype, refs.filter((o) => o !== r)) : r));
  }

  /**
   * In an update loop: what a variable that held `before` will hold, which is `next` or, where the step is not applied, `before`. What is computed
   * from the result reads what was stored; from `next` it would be computed again from what the variables held, which is then first copied.
   */
  stored(next: Tensor, before: Tensor): Tensor {
    const { applied } = this.current, value = this.plain(next);
    if (!applied || this.storedNodes.has(value.node!)) return this.tensor(value);
    const [kept] = this.body.add('SelectV2', [this.body.local(applied), value, this.plain(before)], { T: { type: DT.float } }, [{ shape: value.shape, dtype: DT.float }]);
    this.storedNodes.add(kept!.node!);
    return this.tensor(kept!);
  }

  /** What `make` recorded for this key, recorded once in this body. */
  once(key: string, make: () => Tensor): Tensor { return this.tensor(this.body.once(key, () => this.ref(make()))); }

  ints(values: number[]): Ref { return this.body.ints(values); }
  int(value: number): Ref { return this.body.constant(Int32Array.of(value), [], DT.int32); }

  /** `value` in every place, as a Fill node: constants of one value would swell the file. */
  fill(shape: number[], value: number, dtype: tf.DataType): tf.TensorInfo {
    const of = dtype === 'float32' ? Float32Array.of(value) : dtype === 'int32' ? Int32Array.of(value) : Uint8Array.of(value);
    const scalar = this.body.constant(of, [], tfDtype(dtype));
    if (shape.length === 0) return this.info(scalar, dtype);
    const made = (): Ref => this.body.add('Fill', [this.ints(shape), scalar], { T: { type: tfDtype(dtype) }, index_type: { type: DT.int32 } }, [{ shape, dtype: tfDtype(dtype) }])[0]!;
    // A shared one stays in memory until its last use.
    return this.info(sizeOf(shape) <= SHARED_FILL ? this.body.once(`fill ${dtype}[${shape}]${value}`, made) : made(), dtype);
  }

  /**
   * Runs `f` recording into a function of its own, called from the current body; what it uses from outside becomes arguments. With
   * `_noinline` TensorFlow neither inlines it nor merges its nodes with equal ones outside. Equal functions are stored once. `call`: how
   * the function is called, where that differs from a plain PartitionedCall (asked once `f` has been recorded).
   */
  inFunction(attrs: Attrs, f: () => Tensor[], call: Call | (() => Call) = {}, applied?: Ref): Tensor[] {
    const recording = this.current;
    const inner = new Body('', recording.body);
    const results = this.record({ ...recording, body: inner, ...(applied ? { applied } : {}) }, () => f().map((t) => ({ ref: this.ref(t), dtype: t.dtype })));
    const outputs = results.map((r) => r.ref);
    const called = callFunction(recording.functions, undefined, inner, outputs, attrs, recording.body, typeof call === 'function' ? call() : call);
    return called.map((ref, i) => this.tensor(ref, results[i]!.dtype));
  }

  // ---- tfjs's side of a backend ----
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const typed = toTyped(values, dtype);
    if (typed.length > 16 && typed.every((v) => v === typed[0])) return this.fill(shape, typed[0]!, dtype).dataId;
    return this.info(this.body.constant(typed, shape, tfDtype(dtype)), dtype).dataId;
  }
  override move(dataId: object, values: tf.BackendValues, shape: number[], dtype: tf.DataType): void {
    this.refs.set(dataId, this.ref({ dataId: this.write(values, shape, dtype), shape, dtype }));
  }
  override readSync(): never { throw new Error('a step function may not look at values: while it is recorded there are none'); }
  override read(): Promise<never> { return Promise.reject(new Error('a step function may not look at values: while it is recorded there are none')); }
  override disposeData(): boolean { return true; }
  override numDataIds(): number { return 0; }
  override refCount(): number { return 1; }
  override incRef(): void { /* recorded tensors hold no memory */ }
  override timerAvailable(): boolean { return false; }
  override floatPrecision(): 16 | 32 { return 32; }
  override epsilon(): number { return 1e-7; }
  override memory(): { unreliable: boolean } { return { unreliable: true }; }
  override dispose(): void { /* nothing is held */ }
}

function toTyped(values: tf.BackendValues, dtype: tf.DataType): Values {
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values as ArrayLike<number>);
  return Uint8Array.from(values as ArrayLike<number>);
}
