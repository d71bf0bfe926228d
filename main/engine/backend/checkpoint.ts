/**
 * Gradient checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"): a block's activations are not kept
 * for the backward pass but computed again in it. Recorded, the backward becomes a `_noinline` function, which keeps TensorFlow
 * from merging the second computation with the first.
 */
import { tf, type Tensor } from '../tf.ts';
import { currentRequest, tfjsEngine, type GradientRequest, type TapeNode } from './gradientRequest.ts';
import { GRAPH_BACKEND, graphRecorder } from './graph/kernels/index.ts';

type Block = (...inputs: Tensor[]) => Tensor;
interface KernelParams { forwardFunc: (backend: unknown, save: (t: Tensor[]) => void) => Tensor; backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>; inputs: Record<string, Tensor> }

/**
 * fn(...inputs), with fn run once more in the backward pass. fn must be a pure function of `inputs` and of tensors it captures;
 * captured ones get gradients too. Without a gradient being asked for, fn is simply run.
 */
export function recompute(fn: Block, inputs: Tensor[]): Tensor {
  const engine = tfjsEngine(), request = currentRequest();
  if (!request || !engine.isTapeOn()) return fn(...inputs);
  request.follow(engine.state.activeTape!);
  const differentiated = new Map(inputs.flatMap((t, i): [string, Tensor][] => (request.dependsOnXs(t) ? [[`${i}`, t]] : [])));
  const tapeInputs: Record<string, Tensor> = Object.fromEntries(differentiated);
  let captured: Captured = { differentiated: [], temporary: [] };
  const params: KernelParams = {
    inputs: tapeInputs,
    forwardFunc: (_, save) => {
      const given = inputs.map((t) => request.alias(t, tf.clone(t))); // so that an input which fn also captures is told apart
      const { value, tape } = onOwnTape(() => fn(...given));
      captured = capturedBy(tape, given, request);
      captured.differentiated.forEach((t, i) => { tapeInputs[`captured${i}`] = t; }); // read by tfjs after this returns
      save(inputs);
      return value;
    },
    backwardsFunc: (dy, saved) => {
      const keys = [...differentiated.keys()];
      const grads = inFunction(() => gradientsAgain(fn, saved.slice(0, inputs.length), keys.map(Number), captured.differentiated, dy));
      return Object.fromEntries(Object.keys(tapeInputs).map((key, i) => [key, () => grads[i]!]));
    },
  };
  const y = (engine as unknown as { runKernelFunc(p: KernelParams): Tensor }).runKernelFunc(params);
  engine.state.activeTape!.at(-1)!.saved!.push(...captured.temporary); // tfjs disposes them when the gradients are done
  return y;
}

interface Captured { /** need a gradient */ differentiated: Tensor[]; /** made in this forward pass, kept alive until the backward has run */ temporary: Tensor[] }

/** What a tape uses that it did not produce, besides `inputs`. */
function capturedBy(tape: TapeNode[], inputs: Tensor[], request: GradientRequest): Captured {
  const own = new Set([...inputs, ...tape.flatMap((node) => node.outputs)].map((t) => t.id));
  const leaves = new Map(tape.flatMap((node) => Object.values(node.inputs)).filter((t) => !own.has(t.id)).map((t) => [t.id, t]));
  const all = [...leaves.values()];
  const temporary = all.filter((t) => !t.kept && !t.isDisposed && t.scopeId >= request.firstScope);
  temporary.forEach((t) => tf.keep(t));
  return { differentiated: all.filter((t) => request.dependsOnXs(t)), temporary };
}

/** Runs f with a tape of its own, whose saved tensors are dropped: it only tells what was used. */
function onOwnTape(f: () => Tensor): { value: Tensor; tape: TapeNode[] } {
  const { state } = tfjsEngine(), { activeTape, kernelDepth } = state;
  const tape: TapeNode[] = [];
  state.activeTape = tape;
  state.kernelDepth = 0;
  try {
    const value = f();
    currentRequest()!.follow(tape);
    return { value, tape };
  } finally {
    state.activeTape = activeTape;
    state.kernelDepth = kernelDepth;
    tape.forEach((node) => node.saved?.forEach((t) => t.dispose()));
  }
}

/** Gradients of fn at `inputs`: of the inputs numbered `wanted`, then of the captured tensors. Keeps tfjs's outer tape from harm. */
function gradientsAgain(fn: Block, inputs: Tensor[], wanted: number[], captured: Tensor[], dy: Tensor): Tensor[] {
  const engine = tfjsEngine(), { activeTape } = engine.state;
  try {
    const xs = [...wanted.map((i) => inputs[i]!), ...captured];
    const { grads } = engine.gradients(() => fn(...inputs), xs, dy, true);
    return xs.map((x, i) => (grads[i] as Tensor | undefined) ?? tf.zerosLike(x)); // fn may not use an input
  } finally { engine.state.activeTape = activeTape; }
}

const inFunction = (f: () => Tensor[]): Tensor[] =>
  tf.getBackend() === GRAPH_BACKEND ? graphRecorder().inFunction({ _noinline: { bool: true } }, f) : f();
