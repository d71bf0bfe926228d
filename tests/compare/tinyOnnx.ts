/** Small ONNX models written by hand (field numbers: onnx/onnx.proto3): what a person's own CLIP or Inception would be, in a few hundred bytes. */
import protobuf from 'protobufjs/minimal.js';
import { writeFileSync } from 'node:fs';

type Writer = protobuf.Writer;
type Value = { name: string; type: 1 | 7; shape: (number | string)[] };
type Node = { op: string; inputs: string[]; outputs: string[]; ints?: Record<string, number[]>; int?: Record<string, number> };
type Graph = { nodes: Node[]; inputs: Value[]; outputs: Value[]; weights?: { name: string; shape: number[]; values: number[] }[] };

const message = (w: Writer, field: number, write: (w: Writer) => void): void => { write(w.uint32((field << 3) | 2).fork()); w.ldelim(); };
const text = (w: Writer, field: number, value: string): void => { w.uint32((field << 3) | 2).string(value); };
const int = (w: Writer, field: number, value: number): void => { w.uint32(field << 3).int64(value); };

const writeValue = (w: Writer, { name, type, shape }: Value): void => {
  text(w, 1, name);
  message(w, 2, (t) => message(t, 1, (tensor) => {
    int(tensor, 1, type);
    message(tensor, 2, (s) => shape.forEach((d) => message(s, 1, (dim) => { if (typeof d === 'number') int(dim, 1, d); else text(dim, 2, d); })));
  }));
};

const writeNode = (w: Writer, { op, inputs, outputs, ints = {}, int: one = {} }: Node): void => {
  inputs.forEach((i) => text(w, 1, i));
  outputs.forEach((o) => text(w, 2, o));
  text(w, 4, op);
  for (const [name, values] of Object.entries(ints)) message(w, 5, (a) => { text(a, 1, name); values.forEach((v) => int(a, 8, v)); int(a, 20, 7); });
  for (const [name, value] of Object.entries(one)) message(w, 5, (a) => { text(a, 1, name); int(a, 3, value); int(a, 20, 2); });
};

function writeModel(file: string, { nodes, inputs, outputs, weights = [] }: Graph): string {
  const w = protobuf.Writer.create();
  int(w, 1, 8);
  message(w, 7, (g) => {
    nodes.forEach((n) => message(g, 1, (m) => writeNode(m, n)));
    text(g, 2, 'tiny');
    weights.forEach(({ name, shape, values }) => message(g, 5, (t) => { shape.forEach((d) => int(t, 1, d)); int(t, 2, 1); text(t, 8, name); t.uint32((9 << 3) | 2).bytes(new Uint8Array(Float32Array.from(values).buffer)); }));
    inputs.forEach((v) => message(g, 11, (m) => writeValue(m, v)));
    outputs.forEach((v) => message(g, 12, (m) => writeValue(m, v)));
  });
  message(w, 8, (o) => int(o, 2, 13));
  writeFileSync(file, w.finish());
  return file;
}

/** An image model that gives a map [1,3,2,2]: the means of each channel of its 32 px input's quarters. */
export const writeImageOnnx = (file: string): string => writeModel(file, {
  nodes: [{ op: 'AveragePool', inputs: ['pixel_values'], outputs: ['features'], ints: { kernel_shape: [16, 16], strides: [16, 16] } }],
  inputs: [{ name: 'pixel_values', type: 1, shape: [1, 3, 32, 32] }], outputs: [{ name: 'features', type: 1, shape: [1, 3, 2, 2] }],
});

/** A model that marks something: a map of one channel [1,1,16,16], as saliency and text detectors give. */
export const writeMarkOnnx = (file: string): string => writeModel(file, {
  nodes: [{ op: 'ReduceMean', inputs: ['pixel_values'], outputs: ['map'], ints: { axes: [1] }, int: { keepdims: 1 } }],
  inputs: [{ name: 'pixel_values', type: 1, shape: ['batch', 3, 'height', 'width'] }], outputs: [{ name: 'map', type: 1, shape: ['batch', 1, 'height', 'width'] }],
});

/** A whole CLIP: image_embeds are the channels' means, text_embeds count tokens 0, 1 and all ids. */
export const writeClipOnnx = (file: string): string => writeModel(file, {
  nodes: [
    { op: 'ReduceMean', inputs: ['pixel_values'], outputs: ['image_embeds'], ints: { axes: [2, 3] }, int: { keepdims: 0 } },
    { op: 'Cast', inputs: ['input_ids'], outputs: ['ids'], int: { to: 1 } }, { op: 'MatMul', inputs: ['ids', 'weight'], outputs: ['text_embeds'] },
  ],
  weights: [{ name: 'weight', shape: [77, 3], values: Array.from({ length: 231 }, (_, i) => (i % 3 === 2 || Math.floor(i / 3) === i % 3 ? 1 : 0)) }],
  inputs: [{ name: 'input_ids', type: 7, shape: ['batch', 77] }, { name: 'pixel_values', type: 1, shape: ['batch', 3, 'height', 'width'] }],
  outputs: [{ name: 'text_embeds', type: 1, shape: ['batch', 3] }, { name: 'image_embeds', type: 1, shape: ['batch', 3] }],
});
