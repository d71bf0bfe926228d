/**
 * Writes graphs in TensorFlow's protobuf messages (field numbers: tensorflow/core/framework/{node_def,attr_value,tensor,
 * function,graph}.proto and tensorflow/core/protobuf/{meta_graph,saved_model}.proto).
 */
import protobuf from 'protobufjs/minimal.js';
import { needed, type AttrValue, type Attrs, type GraphNode, type Ref } from './node.ts';
import { DT } from '../nodeBinding.ts';
import { outputName } from './outputNames.ts';

type Writer = protobuf.Writer;
const VARINT = 0, BYTES = 2, FLOAT = 5;
const tag = (w: Writer, field: number, wire: number): Writer => w.uint32((field << 3) | wire);
const message = (w: Writer, field: number, write: (w: Writer) => void): void => { write(tag(w, field, BYTES).fork()); w.ldelim(); };
const text = (w: Writer, field: number, value: string): void => { tag(w, field, BYTES).string(value); };
const int = (w: Writer, field: number, value: number): void => { tag(w, field, VARINT).int64(value); };
const packed = (w: Writer, field: number, values: number[]): void => message(w, field, (p) => values.forEach((v) => p.int64(v)));

const writeShape = (w: Writer, shape: number[]): void => shape.forEach((d) => message(w, 2, (dim) => int(dim, 1, d)));

function writeTensor(w: Writer, { dtype, shape, content }: { dtype: number; shape: number[]; content: Uint8Array }): void {
  int(w, 1, dtype);
  message(w, 2, (s) => writeShape(s, shape));
  tag(w, 4, BYTES).bytes(content);
}

function writeAttr(w: Writer, a: AttrValue): void {
  if ('string' in a) text(w, 2, a.string);
  else if ('bytes' in a) tag(w, 2, BYTES).bytes(a.bytes);
  else if ('int' in a) int(w, 3, a.int);
  else if ('float' in a) tag(w, 4, FLOAT).float(a.float);
  else if ('bool' in a) int(w, 5, a.bool ? 1 : 0);
  else if ('type' in a) int(w, 6, a.type);
  else if ('shape' in a) message(w, 7, (s) => writeShape(s, a.shape));
  else if ('tensor' in a) message(w, 8, (t) => writeTensor(t, a.tensor));
  else if ('func' in a) message(w, 10, (f) => text(f, 1, a.func));
  else message(w, 1, (l) => ('ints' in a ? packed(l, 3, a.ints) : packed(l, 6, a.types)));
}

/** Values that every operation takes where its node does not say: a step's nodes are copied half a dozen times by TensorFlow, each attribute with them. */
const DEFAULTS: Attrs = {
  ...Object.fromEntries(['Tshape', 'Tidx', 'Tperm', 'Tmultiples', 'Tpaddings', 'index_type'].map((name) => [name, { type: DT.int32 }])),
  ...Object.fromEntries(['transpose_a', 'transpose_b', 'adj_x', 'adj_y', 'keep_dims', 'Truncate'].map((name) => [name, { bool: false }])),
  data_format: { string: 'NHWC' }, dilations: { ints: [1, 1, 1, 1] }, explicit_paddings: { ints: [] }, use_cudnn_on_gpu: { bool: true },
};
const isDefault = (key: string, value: AttrValue): boolean => key in DEFAULTS && JSON.stringify(DEFAULTS[key]) === JSON.stringify(value);

function writeAttrs(w: Writer, field: number, attrs: Attrs): void {
  for (const [key, value] of Object.entries(attrs)) {
    if (isDefault(key, value)) continue;
    message(w, field, (entry) => { text(entry, 1, key); message(entry, 2, (v) => writeAttr(v, value)); });
  }
}

/** How a reference is written: "node", "node:1" in a graph; "argument", "node:output:0" in a function. */
export function refText(ref: Ref, inFunction: boolean): string {
  if (!ref.node) return ref.arg!;
  if (inFunction) return `${ref.node.name}:${outputName(ref.node.op, ref.index)}`;
  return ref.index ? `${ref.node.name}:${ref.index}` : ref.node.name;
}

function writeNode(w: Writer, node: GraphNode, inFunction: boolean): void {
  text(w, 1, node.name);
  text(w, 2, node.op);
  for (const input of node.inputs) text(w, 3, refText(input, inFunction));
  for (const control of new Set(node.control)) text(w, 3, `^${control.name}`);
  writeAttrs(w, 5, node.attrs);
}

export interface FunctionGraph { args: Ref[]; outputs: Ref[]; nodes: GraphNode[]; attrs: Attrs }

/** A FunctionDef without its name, so that equal functions are written the same, and without nodes that nothing needs. */
export function encodeFunction(f: FunctionGraph): Uint8Array {
  const w = protobuf.Writer.create();
  const argument = (s: Writer, field: number, argName: string, dtype: number): void =>
    message(s, field, (a) => { text(a, 1, argName); int(a, 3, dtype); });
  message(w, 1, (s) => {
    f.args.forEach((a) => argument(s, 2, a.arg!, a.dtype));
    f.outputs.forEach((o, i) => argument(s, 3, `o${i}`, o.dtype));
  });
  needed(f.nodes, f.outputs).forEach((node) => message(w, 3, (n) => writeNode(n, node, true)));
  f.outputs.forEach((o, i) => message(w, 4, (entry) => { text(entry, 1, `o${i}`); text(entry, 2, refText(o, true)); }));
  writeAttrs(w, 5, f.attrs);
  return w.finish();
}

/**
 * The same with its name: protobuf puts the parts of a message that is written twice (here the signature, field 1) together. `stateful`: where
 * it is an operation itself, it is not taken for one whose value never changes.
 */
export function withName(name: string, encoded: Uint8Array, stateful = false): Uint8Array {
  const w = protobuf.Writer.create();
  message(w, 1, (s) => { text(s, 1, name); if (stateful) int(s, 17, 1); });
  return Buffer.concat([w.finish(), encoded]);
}

const GRAPH_PRODUCER = 1205; // GraphDef version: newer than every op definition in use

/** A SavedModel of one meta graph tagged "serve", holding `nodes` and the encoded functions. */
export function encodeSavedModel(nodes: GraphNode[], functions: Uint8Array[]): Uint8Array {
  const w = protobuf.Writer.create();
  int(w, 1, 1);
  message(w, 2, (meta) => {
    message(meta, 1, (info) => { text(info, 4, 'serve'); text(info, 5, '2.9.1'); });
    message(meta, 2, (graph) => {
      nodes.forEach((node) => message(graph, 1, (n) => writeNode(n, node, false)));
      message(graph, 2, (library) => functions.forEach((f) => tag(library, 1, BYTES).bytes(f)));
      message(graph, 4, (versions) => int(versions, 1, GRAPH_PRODUCER));
    });
  });
  return w.finish();
}
