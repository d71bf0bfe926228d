/** Kernels that move, join, cut or make tensors without computing on them. */
import { tf } from '../../../tf.ts';
import { tfDtype, type GraphRecorder } from '../recorder.ts';
import { INT32, typeOf, type Kernel, type Kernels } from './kernel.ts';

interface Call<A> { inputs: { x: tf.TensorInfo }; attrs: A; backend: GraphRecorder }

const reshape: Kernel = ({ inputs: { x }, attrs: { shape }, backend }: Call<{ shape: number[] }>) =>
  backend.reshaped(x, tf.util.inferFromImplicitShape(shape, tf.util.sizeFromShape(x.shape)));

const expandDims: Kernel = ({ inputs: { input: x }, attrs: { dim }, backend }: { inputs: { input: tf.TensorInfo }; attrs: { dim: number }; backend: GraphRecorder }) => {
  const to = x.shape.slice();
  to.splice(dim < 0 ? x.shape.length + 1 + dim : dim, 0, 1);
  return backend.reshaped(x, to);
};

const transpose: Kernel = ({ inputs: { x }, attrs: { perm }, backend }: Call<{ perm: number[] }>) =>
  backend.passThrough('Transpose', x, [backend.ints(perm)], { Tperm: INT32 }, perm.map((p) => x.shape[p]!));

const concat: Kernel = ({ inputs, attrs: { axis }, backend }: { inputs: tf.TensorInfo[]; attrs: { axis: number }; backend: GraphRecorder }) => {
  const all = Object.values(inputs);
  const [a] = tf.util.parseAxisParam(axis, all[0]!.shape);
  const shape = all[0]!.shape.slice();
  shape[a!] = all.reduce((sum, t) => sum + t.shape[a!]!, 0);
  return backend.op('ConcatV2', [...all, backend.int(a!)], { ...typeOf(all[0]!), N: { int: all.length }, Tidx: INT32 }, shape, all[0]!.dtype);
};

const slice: Kernel = ({ inputs: { x }, attrs: { begin, size }, backend }: Call<{ begin: number | number[]; size: number | number[] }>) => {
  const [from, to] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin, size as number[]);
  return backend.passThrough('Slice', x, [backend.ints(from!), backend.ints(to!)], { Index: INT32 }, to!);
};

const split: Kernel = ({ inputs: { x }, attrs: { numOrSizeSplits, axis }, backend }: Call<{ numOrSizeSplits: number | number[]; axis: number }>) => {
  const [a] = tf.util.parseAxisParam(axis, x.shape);
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, a);
  const outputs = sizes.map((s) => ({ shape: x.shape.map((d, i) => (i === a ? s : d)), dtype: x.dtype }));
  const attrs = { ...typeOf(x), Tlen: INT32, num_split: { int: sizes.length } };
  return backend.ops('SplitV', [x, backend.ints(sizes), backend.int(a!)], attrs, outputs);
};

interface StridedAttrs { begin: number[]; end: number[]; strides: number[]; beginMask: number; endMask: number; ellipsisMask: number; newAxisMask: number; shrinkAxisMask: number }
const stridedSlice: Kernel = ({ inputs: { x }, attrs: a, backend }: Call<StridedAttrs>) => {
  const { finalShape } = tf.slice_util.sliceInfo(x.shape, a.begin, a.end, a.strides, a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask);
  const masks = { begin_mask: { int: a.beginMask }, end_mask: { int: a.endMask }, ellipsis_mask: { int: a.ellipsisMask }, new_axis_mask: { int: a.newAxisMask }, shrink_axis_mask: { int: a.shrinkAxisMask } };
  return backend.op('StridedSlice', [x, backend.ints(a.begin), backend.ints(a.end), backend.ints(a.strides)], { ...typeOf(x), Index: INT32, ...masks }, finalShape, x.dtype);
};

const paddingsConst = (backend: GraphRecorder, paddings: [number, number][]): ReturnType<GraphRecorder['ints']> =>
  backend.body.constant(Int32Array.from(paddings.flat()), [paddings.length, 2], INT32.type);
const padded = (x: tf.TensorInfo, paddings: [number, number][]): number[] => x.shape.map((d, i) => d + paddings[i]![0] + paddings[i]![1]);

export const pad = ({ inputs: { x }, attrs: { paddings, constantValue }, backend }: Call<{ paddings: [number, number][]; constantValue: number }>): tf.TensorInfo =>
  backend.op('PadV2', [x, paddingsConst(backend, paddings), backend.fill([], constantValue, x.dtype)], { ...typeOf(x), Tpaddings: INT32 }, padded(x, paddings), x.dtype);

const mirrorPad: Kernel = ({ inputs: { x }, attrs: { paddings, mode }, backend }: Call<{ paddings: [number, number][]; mode: string }>) =>
  backend.op('MirrorPad', [x, paddingsConst(backend, paddings)], { ...typeOf(x), Tpaddings: INT32, mode: { string: mode.toUpperCase() } }, padded(x, paddings), x.dtype);

const tile: Kernel = ({ inputs: { x }, attrs: { reps }, backend }: Call<{ reps: number[] }>) =>
  backend.op('Tile', [x, backend.ints(reps)], { ...typeOf(x), Tmultiples: INT32 }, x.shape.map((d, i) => d * reps[i]!), x.dtype);

const reverse: Kernel = ({ inputs: { x }, attrs: { dims }, backend }: Call<{ dims: number | number[] }>) =>
  backend.op('ReverseV2', [x, backend.ints(tf.util.parseAxisParam(dims, x.shape))], { ...typeOf(x), Tidx: INT32 }, x.shape, x.dtype);

const pack: Kernel = ({ inputs, attrs: { axis }, backend }: { inputs: tf.TensorInfo[]; attrs: { axis: number }; backend: GraphRecorder }) => {
  const all = Object.values(inputs);
  const shape = all[0]!.shape.slice();
  const at = axis < 0 ? axis + shape.length + 1 : axis;
  shape.splice(at, 0, all.length);
  return backend.op('Pack', all, { ...typeOf(all[0]!), N: { int: all.length }, axis: { int: at } }, shape, all[0]!.dtype);
};

const unpack: Kernel = ({ inputs: { value: x }, attrs: { axis }, backend }: { inputs: { value: tf.TensorInfo }; attrs: { axis: number }; backend: GraphRecorder }) => {
  const [a] = tf.util.parseAxisParam(axis, x.shape);
  const outputs = Array.from({ length: x.shape[a!]! }, () => ({ shape: x.shape.filter((_, i) => i !== a), dtype: x.dtype }));
  return backend.ops('Unpack', [x], { ...typeOf(x), num: { int: outputs.length }, axis: { int: a! } }, outputs);
};

const fill: Kernel = ({ attrs: { shape, value, dtype }, backend }: { attrs: { shape: number[]; value: number; dtype?: tf.DataType }; backend: GraphRecorder }) =>
  backend.fill(shape, value, dtype ?? 'float32');

interface RangeAttrs { start: number; stop: number; step: number; dtype: tf.DataType }
const range: Kernel = ({ attrs: { start, stop, step, dtype }, backend }: { attrs: RangeAttrs; backend: GraphRecorder }) => {
  const values = Array.from({ length: Math.max(0, Math.ceil((stop - start) / step)) }, (_, i) => start + i * step);
  const typed = dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
  return backend.info(backend.body.constant(typed, [values.length], tfDtype(dtype)), dtype);
};

export const shape: Kernels = {
  Reshape: reshape, ExpandDims: expandDims, Transpose: transpose, Concat: concat, Slice: slice, SplitV: split, StridedSlice: stridedSlice,
  PadV2: pad, MirrorPad: mirrorPad, Tile: tile, Reverse: reverse, Pack: pack, Unpack: unpack, Fill: fill, Range: range,
};
