/** The graph as it is recorded: nodes, references to their outputs, and the bodies (main graph or functions) that hold them. */
import { DT } from '../nodeBinding.ts';

/** A value of a node's attribute, as AttrValue in tensorflow/core/framework/attr_value.proto. */
export type AttrValue =
  | { type: number } | { types: number[] } | { int: number } | { ints: number[] } | { bool: boolean } | { float: number }
  | { string: string } | { bytes: Uint8Array } | { shape: number[] } | { func: string } | { tensor: { dtype: number; shape: number[]; content: Uint8Array } };
export type Attrs = Record<string, AttrValue>;

export interface GraphNode { name: string; op: string; inputs: Ref[]; control: GraphNode[]; attrs: Attrs }

/** One output of a node, or an argument of a function body (node undefined). */
export interface Ref {
  body: Body;
  node?: GraphNode;
  /** argument's name, for an argument */
  arg?: string;
  index: number;
  /** TensorFlow's dtype, which may be a half type where tfjs sees float32 */
  dtype: number;
  shape: number[];
  /** read straight from a variable: casts of it are delayed until they are needed (they depend on nothing else) */
  fromVariable?: boolean;
}

/** What a reshaped value was before, in the same body. */
export const unreshaped = (ref: Ref): Ref => (ref.node?.op === 'Reshape' && ref.node.control.length === 0 ? unreshaped(ref.node.inputs[0]!) : ref);

/** The nodes that `outputs` or a change of a variable need, in their order. */
export function needed(nodes: GraphNode[], outputs: Ref[]): GraphNode[] {
  const found = new Set(ancestors([...outputs.flatMap((r) => r.node ?? []), ...nodes.filter((n) => n.op === 'AssignVariableOp' || n.op === 'StatefulPartitionedCall')]));
  return nodes.filter((n) => found.has(n));
}

/** Everything that these nodes need, themselves included, but what is `known`, to which it is added. */
export function ancestors(of: GraphNode[], known = new Set<GraphNode>()): GraphNode[] {
  const found: GraphNode[] = [], stack = [...of];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (known.has(node)) continue;
    known.add(node);
    found.push(node);
    stack.push(...node.inputs.flatMap((r) => r.node ?? []), ...node.control);
  }
  return found;
}

/** Nodes of the main graph or of one function. References to an outer body's values become the function's arguments. */
export class Body {
  readonly nodes: GraphNode[] = [];
  readonly args: Ref[] = [];
  readonly parent: Body | undefined;
  private readonly prefix: string;
  private readonly captured = new Map<Ref, Ref>();
  private readonly memo = new Map<string, Ref>();
  private readonly casts = new Map<Ref, Map<number, Ref>>();

  constructor(prefix: string, parent?: Body) {
    this.prefix = prefix;
    this.parent = parent;
  }

  /** Appends a node. Its inputs must have gone through `local`. */
  add(op: string, inputs: Ref[], attrs: Attrs, outputs: { shape: number[]; dtype: number }[], control: GraphNode[] = [], name?: string): Ref[] {
    const node: GraphNode = { name: this.prefix + (name ?? `n${this.nodes.length}`), op, inputs, control, attrs };
    this.nodes.push(node);
    return outputs.map((o, index) => ({ body: this, node, index, ...o }));
  }

  /** `ref` as this body sees it: itself, a copy of a constant, or an argument that captures it. */
  local(ref: Ref): Ref {
    if (ref.body === this) return ref;
    if (!this.parent) throw new Error(`a value recorded in another function is used here (shape [${ref.shape}])`);
    const known = this.captured.get(ref);
    if (known) return known;
    const outer = this.parent.local(ref);
    const here = outer.node?.op === 'Const' ? this.copyConstant(outer) : this.newArgument(outer);
    this.captured.set(ref, here);
    return here;
  }

  /** The outer values that this body captured, in the order of its arguments, as the parent sees them. */
  readonly arguments: Ref[] = [];

  private newArgument(outer: Ref): Ref {
    const { shape, dtype } = outer;
    const arg: Ref = { body: this, arg: `a${this.args.length}`, index: 0, dtype, shape, ...(outer.fromVariable ? { fromVariable: true } : {}) };
    this.args.push(arg);
    this.arguments.push(outer);
    return arg;
  }

  private copyConstant(ref: Ref): Ref {
    return this.add('Const', [], ref.node!.attrs, [{ shape: ref.shape, dtype: ref.dtype }])[0]!;
  }

  /** A constant, recorded once per body and value when it is small. */
  constant(values: Float32Array | Int32Array | Uint8Array, shape: number[], dtype: number): Ref {
    const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const make = (): Ref => this.add('Const', [], { dtype: { type: dtype }, value: { tensor: { dtype, shape, content: content.slice() } } }, [{ shape, dtype }])[0]!;
    if (values.length > 64) return make();
    return this.once(`${dtype}[${shape}]${values.join()}`, make);
  }

  /** What `make` recorded for this key, recorded once in this body. */
  once(key: string, make: () => Ref): Ref {
    const ref = this.memo.get(key) ?? make();
    this.memo.set(key, ref);
    return ref;
  }

  ints(values: number[]): Ref {
    return this.constant(Int32Array.from(values), [values.length], DT.int32);
  }

  /**
   * `ref` as `dtype`. Casts of activations are shared. Those of a variable's value hang on `after` (the other operands), so that
   * they run when they are needed and not all at the start, and are not shared, so that they do not live from forward to backward.
   */
  cast(ref: Ref, dtype: number, after: Ref[]): Ref {
    if (ref.dtype === dtype) return ref;
    const shared = ref.fromVariable ? undefined : this.casts.get(ref) ?? new Map<number, Ref>();
    const known = shared?.get(dtype);
    if (known) return known;
    const control = ref.fromVariable ? after.flatMap((r) => (r.node && !r.fromVariable && r.node.op !== 'Const' ? [r.node] : [])) : [];
    const attrs: Attrs = { SrcT: { type: ref.dtype }, DstT: { type: dtype }, Truncate: { bool: false } };
    const made = this.add('Cast', [ref], attrs, [{ shape: ref.shape, dtype }], control)[0]!;
    if (shared) this.casts.set(ref, shared.set(dtype, made));
    return made;
  }
}
