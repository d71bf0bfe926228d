/** Kernels that reduce, scan or order along axes. */
import { tf } from '../../../tf.ts';
import type { GraphRecorder } from '../recorder.ts';
import { INT32, typeOf, type Kernel, type Kernels } from './kernel.ts';

type Axis = number | number[];
interface ReduceCall { inputs: { x: tf.TensorInfo }; attrs: { axis?: Axis; reductionIndices?: Axis; keepDims?: boolean }; backend: GraphRecorder }

const reduced = (shape: number[], axes: number[], keep: boolean): number[] =>
  keep ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));

const reduction = (op: string): Kernel => ({ inputs: { x }, attrs: { axis, reductionIndices, keepDims = false }, backend }: ReduceCall) => {
  const axes = tf.util.parseAxisParam(axis ?? reductionIndices!, x.shape);
  const type = op === 'All' || op === 'Any' ? {} : typeOf(x);
  return backend.op(op, [x, backend.ints(axes)], { ...type, Tidx: INT32, keep_dims: { bool: keepDims } }, reduced(x.shape, axes, keepDims), x.dtype);
};

const argExtreme = (op: string): Kernel => ({ inputs: { x }, attrs: { axis }, backend }: ReduceCall) => {
  const [a] = tf.util.parseAxisParam(axis!, x.shape);
  return backend.op(op, [x, backend.int(a!)], { ...typeOf(x), Tidx: INT32, output_type: INT32 }, reduced(x.shape, [a!], false), 'int32');
};

const scan = (op: string): Kernel => ({ inputs: { x }, attrs: { axis, exclusive, reverse }, backend }:
{ inputs: { x: tf.TensorInfo }; attrs: { axis: number; exclusive: boolean; reverse: boolean }; backend: GraphRecorder }) =>
  backend.op(op, [x, backend.int(axis)], { ...typeOf(x), Tidx: INT32, exclusive: { bool: !!exclusive }, reverse: { bool: !!reverse } }, x.shape, x.dtype);

const topK: Kernel = ({ inputs: { x }, attrs: { k, sorted }, backend }: { inputs: { x: tf.TensorInfo }; attrs: { k: number; sorted: boolean }; backend: GraphRecorder }) => {
  const shape = [...x.shape.slice(0, -1), k];
  return backend.ops('TopKV2', [x, backend.int(k)], { ...typeOf(x), sorted: { bool: sorted }, Tk: INT32, index_type: INT32 }, [{ shape, dtype: x.dtype }, { shape, dtype: 'int32' }]);
};

const segmentSum: Kernel = ({ inputs: { x, segmentIds }, attrs: { numSegments }, backend }:
{ inputs: { x: tf.TensorInfo; segmentIds: tf.TensorInfo }; attrs: { numSegments: number }; backend: GraphRecorder }) =>
  backend.op('UnsortedSegmentSum', [x, segmentIds, backend.int(numSegments)], { ...typeOf(x), Tindices: INT32, Tnumsegments: INT32 },
    [numSegments, ...x.shape.slice(segmentIds.shape.length)], x.dtype);

export const reduce: Kernels = {
  Sum: reduction('Sum'), Mean: reduction('Mean'), Max: reduction('Max'), Min: reduction('Min'), Prod: reduction('Prod'),
  All: reduction('All'), Any: reduction('Any'), ArgMax: argExtreme('ArgMax'), ArgMin: argExtreme('ArgMin'),
  Cumsum: scan('Cumsum'), Cumprod: scan('Cumprod'), TopK: topK, UnsortedSegmentSum: segmentSum,
};
