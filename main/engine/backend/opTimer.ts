/** Times single TensorFlow operations, outside of any graph, on random values of the recorded shapes. */
import { DT, type NativeBinding } from './nodeBinding.ts';
import type { AttrValue, Attrs, GraphNode, Ref } from './graph/node.ts';
import { sizeOf } from './stepCheck.ts';

const STRING = 0, INT = 1, FLOAT = 2, BOOL = 3, TYPE = 4; // TF_AttrType
interface OpAttr { name: string; type: number; value: unknown }

function opAttr(name: string, v: AttrValue): OpAttr | undefined {
  if ('type' in v) return { name, type: TYPE, value: v.type };
  if ('bool' in v) return { name, type: BOOL, value: v.bool };
  if ('int' in v) return { name, type: INT, value: v.int };
  if ('ints' in v) return v.ints.length ? { name, type: INT, value: v.ints } : undefined; // the binding cannot pass an empty list
  if ('float' in v) return { name, type: FLOAT, value: v.float };
  if ('string' in v) return { name, type: STRING, value: v.string };
  return undefined;
}
const opAttrs = (attrs: Attrs): OpAttr[] => Object.entries(attrs).flatMap(([name, v]) => opAttr(name, v) ?? []);

/** A tensor for an input: a constant's own values, else random ones in 0.1 … 1.1. */
function inputTensor(binding: NativeBinding, { node, shape, dtype }: Ref): number {
  if (node?.op === 'Const') {
    const { buffer } = (node.attrs['value'] as { tensor: { content: Uint8Array } }).tensor.content.slice();
    return binding.createTensor(shape, dtype, dtype === DT.int32 ? new Int32Array(buffer) : dtype === DT.float ? new Float32Array(buffer) : new Uint8Array(buffer));
  }
  if (dtype === DT.int32) return binding.createTensor(shape, dtype, new Int32Array(sizeOf(shape)));
  if (dtype === DT.bool) return binding.createTensor(shape, dtype, new Uint8Array(sizeOf(shape)));
  const values = binding.createTensor(shape, DT.float, Float32Array.from({ length: sizeOf(shape) }, () => Math.random() + 0.1));
  if (dtype === DT.float) return values;
  const cast = binding.executeOp('Cast', opAttrs({ SrcT: { type: DT.float }, DstT: { type: dtype }, Truncate: { bool: false } }), [values], 1)[0]!.id;
  binding.deleteTensor(values);
  return cast;
}

/** Seconds that one run of the operation takes (the best of `repeats`), or undefined for a call of a recorded function. */
export function timeNode(binding: NativeBinding, node: GraphNode, outputs: number, repeats = 4): number | undefined {
  if (node.op.endsWith('PartitionedCall')) return undefined;
  const inputs = node.inputs.map((r) => inputTensor(binding, r)), attrs = opAttrs(node.attrs);
  try {
    const once = (): number => {
      const before = performance.now();
      binding.executeOp(node.op, attrs, inputs, outputs).forEach((t) => binding.deleteTensor(t.id));
      return (performance.now() - before) / 1000;
    };
    once();
    return Math.min(...Array.from({ length: repeats }, once));
  } finally { inputs.forEach((id) => binding.deleteTensor(id)); }
}
