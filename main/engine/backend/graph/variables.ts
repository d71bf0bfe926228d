/**
 * The variables of a compiled executor: resource variables of the session, set and read in chunks (each set of fetches costs
 * TensorFlow an executor of its own, so one variable at a time would take minutes).
 */
import { misuse } from '../errors.ts';
import type { StorageDtype, VariableSpec } from '../executor.ts';
import { nativeZeros, storageEnum, takeNative, toNative } from '../native.ts';
import { DT, type NativeBinding, type NativeTensor } from '../nodeBinding.ts';
import { checkLength, sizeOf } from '../stepCheck.ts';
import { Body, type Ref } from './node.ts';
import type { GraphSession } from './session.ts';

const CHUNK_VALUES = 1 << 26, CHUNK_COUNT = 256;
const storageOf = (spec: VariableSpec): StorageDtype => spec.dtype ?? 'float32';

/** A variable's handle within `body`; equal shared names are one variable. */
export function variableHandle(body: Body, name: string, spec: VariableSpec): Ref {
  const attrs = { dtype: { type: storageEnum(storageOf(spec)) }, shape: { shape: spec.shape }, shared_name: { string: name }, container: { string: '' } };
  return body.add('VarHandleOp', [], attrs, [{ shape: [], dtype: DT.resource }])[0]!;
}

/** The value of the variable behind `handle`, in its storage dtype. */
export function readVariable(body: Body, handle: Ref, spec: VariableSpec, name?: string): Ref {
  const dtype = storageEnum(storageOf(spec));
  return body.add('ReadVariableOp', [handle], { dtype: { type: dtype } }, [{ shape: spec.shape, dtype }], [], name)[0]!;
}

export class GraphVariables {
  readonly specs = new Map<string, VariableSpec>();
  private readonly binding: NativeBinding;
  private readonly indices = new Map<string, number>();
  private readonly pending = new Map<string, NativeTensor>();
  private readonly cached = new Map<string, NativeTensor>();

  constructor(binding: NativeBinding) { this.binding = binding; }

  declare(name: string, spec: VariableSpec, init: Float32Array | 'zeros'): void {
    if (this.specs.has(name)) throw misuse(`"${name}" is declared already`);
    if (init !== 'zeros') checkLength(name, spec.shape, init.length);
    this.specs.set(name, spec);
    this.indices.set(name, this.indices.size);
    this.pending.set(name, init === 'zeros' ? nativeZeros(this.binding, spec.shape, storageOf(spec)) : toNative(this.binding, init, spec.shape, storageOf(spec)));
  }

  write(name: string, data: Float32Array): void {
    const spec = this.spec(name);
    checkLength(name, spec.shape, data.length);
    const before = this.pending.get(name);
    if (before) this.binding.deleteTensor(before.id);
    this.pending.set(name, toNative(this.binding, data, spec.shape, storageOf(spec)));
    this.invalidate();
  }

  spec(name: string): VariableSpec {
    const spec = this.specs.get(name);
    if (!spec) throw misuse(`"${name}" was never declared`);
    return spec;
  }

  /** The nodes through which variables are set and read: v/N/init, v/N/set, v/N/raw, v/N/value. */
  body(): Body {
    const body = new Body('v/');
    const one = body.constant(Int32Array.of(1), [], DT.int32);
    for (const [name, spec] of this.specs) {
      const n = this.indices.get(name)!, dtype = storageEnum(storageOf(spec));
      const handle = variableHandle(body, name, spec);
      const [init] = body.add('Placeholder', [], { dtype: { type: dtype }, shape: { shape: spec.shape } }, [{ shape: spec.shape, dtype }], [], `${n}/init`);
      body.add('AssignVariableOp', [handle, init!], { dtype: { type: dtype } }, [], [], `${n}/assign`);
      body.add('Identity', [one], { T: { type: DT.int32 } }, [{ shape: [], dtype: DT.int32 }], [body.nodes.at(-1)!], `${n}/set`);
      const raw = readVariable(body, handle, spec, `${n}/raw`);
      body.add('Cast', [raw], { SrcT: { type: dtype }, DstT: { type: DT.float }, Truncate: { bool: false } }, [{ shape: spec.shape, dtype: DT.float }], [], `${n}/value`);
    }
    return body;
  }

  /** Gives the session the values that were declared or written since. The session takes over their memory. */
  flush(session: GraphSession, onProgress?: (done: number, total: number) => void): void {
    const total = this.pending.size;
    for (const chunk of this.chunks([...this.pending.keys()])) {
      this.assign(session, chunk.map((name) => [name, this.pending.get(name)!]));
      chunk.forEach((name) => this.pending.delete(name));
      onProgress?.(total - this.pending.size, total);
    }
  }

  /** Moves the values of all variables that `from` has over to `to`, a chunk at a time; pending ones go by `flush`. */
  transfer(from: GraphSession, to: GraphSession, names: string[]): void {
    this.invalidate();
    for (const chunk of this.chunks(names.filter((n) => !this.pending.has(n)))) {
      const values = this.fetch(from, chunk, 'raw');
      this.assign(to, chunk.map((name, i) => [name, values[i]!]));
    }
  }

  /** A variable's value as float32. Neighbours are fetched along and kept until the next `invalidate`. */
  read(session: GraphSession, name: string): Float32Array {
    this.spec(name);
    if (!this.cached.has(name)) {
      this.invalidate();
      const chunk = this.chunks([...this.specs.keys()]).find((c) => c.includes(name))!;
      this.fetch(session, chunk, 'value').forEach((t, i) => this.cached.set(chunk[i]!, t));
    }
    const tensor = this.cached.get(name)!;
    this.cached.delete(name);
    return takeNative(this.binding, tensor) as Float32Array;
  }

  /** Forgets values fetched for reading. To be called before anything changes them. */
  invalidate(): void {
    this.cached.forEach((t) => this.binding.deleteTensor(t.id));
    this.cached.clear();
  }

  dispose(): void {
    this.invalidate();
    this.pending.forEach((t) => this.binding.deleteTensor(t.id));
    this.pending.clear();
  }

  private node(name: string, part: string): string { return `v/${this.indices.get(name)}/${part}`; }

  private fetch(session: GraphSession, names: string[], part: 'raw' | 'value'): NativeTensor[] {
    return session.run('read the weights', [], names.map((n) => this.node(n, part)));
  }

  /** Assigns and deletes the given tensors. */
  private assign(session: GraphSession, values: [string, NativeTensor][]): void {
    const feeds = values.map(([name, t]): [string, number] => [this.node(name, 'init'), t.id]);
    const done = session.run('load the weights', feeds, values.map(([name]) => this.node(name, 'set')));
    for (const tensor of [...done, ...values.map(([, t]) => t)]) this.binding.deleteTensor(tensor.id);
  }

  private chunks(names: string[]): string[][] {
    const chunks: string[][] = [];
    let values = Infinity;
    for (const name of names) {
      const size = sizeOf(this.specs.get(name)!.shape);
      if (values + size > CHUNK_VALUES || chunks.at(-1)!.length >= CHUNK_COUNT) { chunks.push([]); values = 0; }
      chunks.at(-1)!.push(name);
      values += size;
    }
    return chunks;
  }
}
