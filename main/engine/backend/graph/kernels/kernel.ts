/** How a kernel of the recording backend is written. */
import type { tf } from '../../../tf.ts';
import { tfDtype, type GraphRecorder } from '../recorder.ts';
import type { Attrs } from '../node.ts';

export type Kernel = (call: { inputs: never; attrs: never; backend: GraphRecorder }) => tf.TensorInfo | tf.TensorInfo[];
export type Kernels = Record<string, Kernel>;

/** The attribute T of ops that compute in their input's dtype. */
export const typeOf = (x: tf.TensorInfo | tf.DataType): Attrs => ({ T: { type: tfDtype(typeof x === 'string' ? x : x.dtype) } });
export const INT32 = { type: 3 };
