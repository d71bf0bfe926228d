/**
 * The one place from which engine code takes tfjs.
 *
 * Model, loss and optimizer code imports `tf` from here and uses tfjs-core's functions only (no chained
 * methods), so that the same code runs on every backend and under the recording backend (backend/graph).
 */
import * as tf from '@tensorflow/tfjs-core';

export { tf };
export type Tensor = tf.Tensor;
export type TensorMap = Record<string, tf.Tensor>;
