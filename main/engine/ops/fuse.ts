/** Hints for the compiled executor. Everywhere else they do nothing. */
import { GRAPH_BACKEND, graphRecorder } from '../backend/graph/kernels/index.ts';
import type { GraphRecorder } from '../backend/graph/recorder.ts';
import { tf, type Tensor } from '../tf.ts';

/** The recorder, while a step is being recorded. */
export const recording = (): GraphRecorder | undefined => (tf.getBackend() === GRAPH_BACKEND ? graphRecorder() : undefined);

/** Compiling a loop takes a tenth of a second; below this many values it saves too little. */
const WORTH_COMPILING = 2 ** 15;

const fuses = (size: number): boolean => size >= WORTH_COMPILING && (recording()?.current.xla ?? false);

/**
 * Elementwise work (no reductions: XLA's are slow on CPUs) on about `size` values, to be compiled into one loop by XLA: one pass over memory
 * instead of one per operation, a quarter of the time for SiLU's gradient. Not to be used on a tape: only inside a customOp.
 */
export function fuseAll(size: number, f: () => Tensor[]): Tensor[] {
  return fuses(size) ? recording()!.inFunction({ _XlaMustCompile: { bool: true } }, f) : f();
}

/** `fuseAll` of one tensor. */
export const fuse = (size: number, f: () => Tensor): Tensor => fuseAll(size, () => [f()])[0]!;

/** What several parts of such work need: computed in each that is compiled, where it costs nothing; otherwise now, once for all of them. */
export function inEach(size: number, f: () => Tensor): () => Tensor {
  if (fuses(size)) return f;
  const once = f();
  return () => once;
}

/** `x`, not before `previous` has been computed: keeps the parts of a loop from all being in memory at once. */
export function sequenced(x: Tensor, previous: Tensor | undefined): Tensor {
  const recorder = recording();
  return recorder && previous ? recorder.after(x, previous) : x;
}

/** In an update loop: `next`, the new value of a variable that held `before`, to be computed on with: once stored, it is not computed again. */
export const stored = (next: Tensor, before: Tensor): Tensor => recording()?.stored(next, before) ?? next;
