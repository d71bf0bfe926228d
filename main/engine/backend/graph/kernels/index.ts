/** Registers the recording backend and its kernels with tfjs, once. */
import { tf } from '../../../tf.ts';
import { GraphRecorder } from '../recorder.ts';
import { elementwise } from './elementwise.ts';
import { gather } from './gather.ts';
import { linear } from './linear.ts';
import { reduce } from './reduce.ts';
import { shape } from './shape.ts';

export const GRAPH_BACKEND = 'graph';
let recorder: GraphRecorder | undefined;

/** The one recording backend, registered as "graph" but not made current. */
export function graphRecorder(): GraphRecorder {
  if (recorder) return recorder;
  const made = new GraphRecorder();
  for (const [kernelName, kernelFunc] of Object.entries({ ...elementwise, ...reduce, ...shape, ...gather, ...linear })) {
    tf.registerKernel({ kernelName, backendName: GRAPH_BACKEND, kernelFunc: kernelFunc as unknown as tf.KernelFunc });
  }
  tf.registerBackend(GRAPH_BACKEND, () => made, 0);
  return (recorder = made);
}
