/**
 * The variables of a compiled executor: resource variables of the session, set and read in chunks (each set of fetches costs
 * TensorFlow an executor of its own, so one variable at a time would take minutes).
 */
import { misuse } from '../errors.ts';
import type { StorageDtype, VariableSpec } from '../executor.ts';
import { castNative, nativeZeros, storageEnum, takeNative, toNative } from '../native.ts';
import { DT, type NativeBinding, type NativeTensor } from '../nodeBinding.ts';
import { checkLength, sizeOf } from '../stepCheck.ts';
import { callFunction, LEFT_ALONE, wholeCall, type Functions } from './functions.ts';
import { Body, type Ref } from './node.ts';
import type { GraphSession } from './session.ts';

const CHUNK_VALUES = 1 << 26, CHUNK_COUNT = 256;
const storageOf = (spec: VariableSpec): StorageDtype => spec.dtype ?? 'float32';

/** A session's nodes for its variables, and the groups they come in. */
export interface VariableGraph { body: Body; groups: string[][] }

/** A variable's handle within `body`; equal shared names are one variable. */
export function variableHandle(body: Body, name: string, spec: VariableSpec): Ref {
  const attrs = { dtype: { type: storageEnum(storageOf(spec)) }, shape: { shape: spec.shape }, shared_name: { string: name } };
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
  private groups: string[][] = [];
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

  /**
   * The nodes through which variables are set and read, a group of neighbours at a time: v/N/init is fed for all of group G's, then v/done G
   * is fetched; the outputs of v/get G are its values. The session they go into is told by `enter`.
   */
  graph(functions: Functions, oneDevice: boolean): VariableGraph {
    const call = wholeCall(oneDevice), body = new Body('v/'), groups = this.chunks([...this.specs.keys()]);
    groups.forEach((names, g) => {
      const setter = new Body('', body), getter = new Body('', body);
      const assigned = names.map((name) => {
        const spec = this.spec(name), dtype = storageEnum(storageOf(spec));
        const [init] = body.add('Placeholder', [], { dtype: { type: dtype }, shape: { shape: spec.shape } }, [{ shape: spec.shape, dtype }], [], `${this.indices.get(name)}/init`);
        setter.add('AssignVariableOp', [variableHandle(setter, name, spec), setter.local(init!)], { dtype: { type: dtype } }, []);
        return setter.nodes.at(-1)!;
      });
      const [token] = setter.add('Identity', [setter.constant(Int32Array.of(1), [], DT.int32)], { T: { type: DT.int32 } }, [{ shape: [], dtype: DT.int32 }], assigned);
      const [done] = callFunction(functions, `set_${g}`, setter, [token!], LEFT_ALONE, body, call);
      body.add('Identity', [done!], { T: { type: DT.int32 } }, [{ shape: [], dtype: DT.int32 }], [], `done${g}`);
      const values = names.map((name) => readVariable(getter, variableHandle(getter, name, this.spec(name)), this.spec(name)));
      callFunction(functions, `get_${g}`, getter, values, LEFT_ALONE, body, { ...call, node: `get${g}` });
    });
    return { body, groups };
  }

  /** From now on the variables live in a session with this graph. */
  enter({ groups }: VariableGraph): void { this.groups = groups; }

  /** Gives the session the values that were declared or written since. The session takes over their memory. */
  flush(session: GraphSession, onProgress?: (done: number, total: number) => void): void {
    const total = this.pending.size;
    this.groups.forEach((names, g) => {
      const given = names.filter((name) => this.pending.has(name));
      if (given.length === 0) return;
      const current = given.length < names.length ? this.fetch(session, g) : [];
      const values = names.map((name, i) => this.pending.get(name) ?? current[i]!);
      const feeds = names.map((name, i): [string, number] => [`v/${this.indices.get(name)}/init`, values[i]!.id]);
      const done = session.run('load the weights', feeds, [`v/done${g}`]);
      for (const tensor of new Set([...done, ...values, ...current])) this.binding.deleteTensor(tensor.id);
      given.forEach((name) => this.pending.delete(name));
      onProgress?.(total - this.pending.size, total);
    });
  }

  /** Takes over the values of the variables in `session`, which is about to go; they share its memory. */
  withdraw(session: GraphSession): void {
    this.invalidate();
    this.groups.forEach((names, g) => this.fetch(session, g).forEach((tensor, i) => {
      if (this.pending.has(names[i]!)) this.binding.deleteTensor(tensor.id);
      else this.pending.set(names[i]!, tensor);
    }));
  }

  /** A variable's value as float32. Neighbours are fetched along and kept until the next `invalidate`. */
  read(session: GraphSession, name: string): Float32Array {
    this.spec(name);
    if (!this.cached.has(name)) {
      this.invalidate();
      const g = this.groups.findIndex((names) => names.includes(name));
      this.fetch(session, g).forEach((t, i) => this.cached.set(this.groups[g]![i]!, t));
    }
    const tensor = this.cached.get(name)!;
    this.cached.delete(name);
    if (tensor.dtype === DT.float) return takeNative(this.binding, tensor) as Float32Array;
    try { return takeNative(this.binding, castNative(this.binding, tensor.id, tensor.dtype, DT.float)) as Float32Array; } finally { this.binding.deleteTensor(tensor.id); }
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

  /** The values of group g, in their storage dtypes. */
  private fetch(session: GraphSession, g: number): NativeTensor[] {
    return session.run('read the weights', [], this.groups[g]!.map((_, i) => `v/get${g}:${i}`));
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
