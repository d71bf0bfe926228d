/** Functions of the recorded graph and the nodes that call them. */
import { createHash } from 'node:crypto';
import { encodeFunction, withName } from './encode.ts';
import type { Attrs, Body, GraphNode, Ref } from './node.ts';

/** Encoded functions by name. */
export type Functions = Map<string, Uint8Array>;
/** How a function is called, where that differs from a plain PartitionedCall: the operation, its attributes, the node's name. */
export interface Call { op?: string; attrs?: Attrs; node?: string; /** nodes that it waits for */ control?: GraphNode[]; /** the function itself is the operation, which runs on one device */ byName?: boolean }

/**
 * ConfigProto { graph_options (10) { rewrite_options (10) { disable_meta_optimizer (19): true } } }: grappler leaves the called function alone.
 * `_disable_call_shape_inference`: nothing is asked of its shapes while the graph is loaded.
 */
const AS_IT_IS: Call = { op: 'StatefulPartitionedCall', attrs: { config_proto: { bytes: Uint8Array.of(0x52, 5, 0x52, 3, 0x98, 1, 1) }, _disable_call_shape_inference: { bool: true } } };
/**
 * How a whole step is called. On a processor alone by its name: as a StatefulPartitionedCall TensorFlow takes it apart by devices, and keeps two more
 * copies of it (50 to 80 MB for a full fine-tune of 620 weights). Beside a GPU it has to: not every operation has a kernel there. Nor are steps
 * called so that recompute activations: they took more memory then, not less (small LoRA with LPL 1155 and 1190 → 1217 and 1244 MiB).
 */
export const wholeCall = (oneDevice: boolean): Call => (oneDevice ? { byName: true } : AS_IT_IS);
/** Grappler rewrites the functions that it finds in a graph, but not those of tf.data, which this attribute marks. */
export const LEFT_ALONE: Attrs = { _noinline: { bool: true }, _tf_data_function: { bool: true } };

/** Stores `inner`, which returns `outputs`, as function `name` (or as one named after what it does), and calls it from `outer`. Returns the call's outputs. */
export function callFunction(functions: Functions, given: string | undefined, inner: Body, outputs: Ref[], attrs: Attrs, outer: Body, call: Call = {}): Ref[] {
  const encoded = encodeFunction({ args: inner.args, outputs, nodes: inner.nodes, attrs }), name = given ?? `f_${createHash('sha256').update(encoded).digest('hex').slice(0, 24)}`;
  const { byName = false } = call, made = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  if (!functions.has(name)) functions.set(name, withName(name, encoded, byName));
  if (byName) return outer.add(name, inner.arguments, {}, made, call.control, call.node);
  const types = { Tin: { types: inner.args.map((a) => a.dtype) }, Tout: { types: outputs.map((o) => o.dtype) } };
  return outer.add(call.op ?? 'PartitionedCall', inner.arguments, { ...types, f: { func: name }, ...attrs, ...call.attrs }, made, call.control, call.node);
}
