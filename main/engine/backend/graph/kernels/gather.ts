/** Kernels that look up by index. */
import { tf } from '../../../tf.ts';
import { tfDtype, type GraphRecorder } from '../recorder.ts';
import { INT32, typeOf, type Kernel, type Kernels } from './kernel.ts';

const gatherV2: Kernel = ({ inputs: { x, indices }, attrs: { axis, batchDims }, backend }:
{ inputs: { x: tf.TensorInfo; indices: tf.TensorInfo }; attrs: { axis: number; batchDims?: number }; backend: GraphRecorder }) => {
  const [a] = tf.util.parseAxisParam(axis, x.shape);
  const batch = batchDims ?? 0;
  const to = [...x.shape.slice(0, a), ...indices.shape.slice(batch), ...x.shape.slice(a! + 1)];
  const attrs = { Tparams: typeOf(x)['T']!, Tindices: INT32, Taxis: INT32, batch_dims: { int: batch } };
  return backend.op('GatherV2', [x, indices, backend.int(a!)], attrs, to, x.dtype);
};

const gatherNd: Kernel = ({ inputs: { params: x, indices }, backend }: { inputs: { params: tf.TensorInfo; indices: tf.TensorInfo }; backend: GraphRecorder }) => {
  const depth = indices.shape[indices.shape.length - 1]!;
  const to = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
  return backend.op('GatherNd', [x, indices], { Tparams: typeOf(x)['T']!, Tindices: INT32 }, to, x.dtype);
};

const scatterNd: Kernel = ({ inputs: { indices, updates }, attrs: { shape }, backend }:
{ inputs: { indices: tf.TensorInfo; updates: tf.TensorInfo }; attrs: { shape: number[] }; backend: GraphRecorder }) =>
  backend.op('ScatterNd', [indices, updates, backend.ints(shape)], { ...typeOf(updates), Tindices: INT32 }, shape, updates.dtype);

interface OneHotAttrs { dtype: tf.DataType; depth: number; onValue: number; offValue: number }
const oneHot: Kernel = ({ inputs: { indices }, attrs: { dtype, depth, onValue, offValue }, backend }: { inputs: { indices: tf.TensorInfo }; attrs: OneHotAttrs; backend: GraphRecorder }) =>
  backend.op('OneHot', [indices, backend.int(depth), backend.fill([], onValue, dtype), backend.fill([], offValue, dtype)],
    { T: { type: tfDtype(dtype) }, TI: INT32, axis: { int: -1 } }, [...indices.shape, depth], dtype);

export const gather: Kernels = { GatherV2: gatherV2, GatherNd: gatherNd, ScatterNd: scatterNd, OneHot: oneHot };
