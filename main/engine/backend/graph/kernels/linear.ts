/** Kernels with most of the work in them: matrix products, convolutions, softmax, pooling. */
import { tf } from '../../../tf.ts';
import type { GraphRecorder } from '../recorder.ts';
import { takesPadding } from '../../oneDnn.ts';
import type { AttrValue, Attrs } from '../node.ts';
import { typeOf, type Kernel, type Kernels } from './kernel.ts';
import { pad } from './shape.ts';

type Pair = [number, number];
type Pad = 'same' | 'valid' | number | [Pair, Pair, Pair, Pair];
const pair = (v: number | Pair): Pair => (typeof v === 'number' ? [v, v] : v);

interface MatMulCall { inputs: { a: tf.TensorInfo; b: tf.TensorInfo }; attrs: { transposeA?: boolean; transposeB?: boolean }; backend: GraphRecorder }
const matMul: Kernel = ({ inputs: { a, b }, attrs: { transposeA = false, transposeB = false }, backend }: MatMulCall) => {
  const rows = a.shape.at(transposeA ? -1 : -2)!, columns = b.shape.at(transposeB ? -2 : -1)!;
  if (a.shape.length === 2 && b.shape.length === 2) {
    return backend.heavy('MatMul', [a, b], { transpose_a: { bool: transposeA }, transpose_b: { bool: transposeB } }, [rows, columns]);
  }
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  return backend.heavy('BatchMatMulV2', [a, b], { adj_x: { bool: transposeA }, adj_y: { bool: transposeB } }, [...batch, rows, columns]);
};

/** Attributes of the Conv2D family. Explicit paddings are given as numbers or per side. */
function convAttrs(strides: number | Pair, pad: Pad, dilations: number | Pair = 1): Attrs {
  const [sh, sw] = pair(strides), [dh, dw] = pair(dilations);
  const explicit = typeof pad === 'number' ? [0, 0, pad, pad, pad, pad, 0, 0] : Array.isArray(pad) ? pad.flat() : [];
  return {
    strides: { ints: [1, sh, sw, 1] }, dilations: { ints: [1, dh, dw, 1] }, data_format: { string: 'NHWC' }, use_cudnn_on_gpu: { bool: true },
    padding: { string: typeof pad === 'string' ? pad.toUpperCase() : 'EXPLICIT' }, explicit_paddings: { ints: explicit },
  };
}

interface ConvAttrs { strides: number | Pair; pad: Pad; dilations?: number | Pair; dimRoundingMode?: 'floor' | 'round' | 'ceil' }
const conv2d: Kernel = ({ inputs: { x, filter }, attrs: { strides, pad, dilations, dimRoundingMode }, backend }:
{ inputs: { x: tf.TensorInfo; filter: tf.TensorInfo }; attrs: ConvAttrs; backend: GraphRecorder }) => {
  const info = tf.backend_util.computeConv2DInfo(x.shape as [number, number, number, number], filter.shape as [number, number, number, number], strides, dilations ?? 1, pad, dimRoundingMode);
  return backend.heavy('Conv2D', [x, filter], convAttrs(strides, pad, dilations), info.outShape);
};

/**
 * The rows and columns by which explicit padding falls short of 'same', of the input as of the output: with zeros for their dy, the input's
 * gradient is that of 'same'. Undefined where there is no such relation.
 */
function missing({ strides, explicit_paddings }: Attrs, filter: number[]): Pair[] | undefined {
  const ints = (v: AttrValue | undefined): number[] => (v as { ints: number[] }).ints, sides = ints(explicit_paddings);
  const same = [0, (filter[0]! - 1) / 2, (filter[1]! - 1) / 2, 0], by = same.map((s, i): Pair => [s - sides[2 * i]!, s - sides[2 * i + 1]!]);
  return ints(strides).every((s) => s === 1) && by.flat().every((n) => Number.isInteger(n) && n >= 0) ? by : undefined;
}

const conv2dInputGradient: Kernel = ({ inputs: { dy, filter }, attrs: { inputShape, strides, pad: sides }, backend }:
{ inputs: { dy: tf.TensorInfo; filter: tf.TensorInfo }; attrs: ConvAttrs & { inputShape: number[] }; backend: GraphRecorder }) => {
  const attrs = convAttrs(strides, sides), paddings = backend.current.oneDnn && !takesPadding(attrs) ? missing(attrs, filter.shape) : undefined;
  const output = paddings ? pad({ inputs: { x: dy }, attrs: { paddings, constantValue: 0 }, backend }) : dy;
  return backend.heavy('Conv2DBackpropInput', [backend.ints(inputShape), filter, output], paddings ? convAttrs(strides, 'same') : attrs, inputShape);
};

const conv2dFilterGradient: Kernel = ({ inputs: { x, dy }, attrs: { filterShape, strides, pad }, backend }:
{ inputs: { x: tf.TensorInfo; dy: tf.TensorInfo }; attrs: ConvAttrs & { filterShape: number[] }; backend: GraphRecorder }) =>
  backend.heavy('Conv2DBackpropFilter', [x, backend.ints(filterShape), dy], convAttrs(strides, pad), filterShape);

const softmax: Kernel = ({ inputs: { logits }, backend }: { inputs: { logits: tf.TensorInfo }; backend: GraphRecorder }) =>
  backend.op('Softmax', [logits], typeOf(logits), logits.shape);

interface PoolAttrs { filterSize: number | Pair; strides: number | Pair; pad: 'same' | 'valid'; dimRoundingMode?: 'floor' | 'round' | 'ceil' }
const poolAttrs = ({ filterSize, strides, pad }: PoolAttrs): Attrs => ({
  ksize: { ints: [1, ...pair(filterSize), 1] }, strides: { ints: [1, ...pair(strides), 1] }, padding: { string: pad.toUpperCase() }, data_format: { string: 'NHWC' },
});

const pool = (op: string): Kernel => ({ inputs: { x }, attrs, backend }: { inputs: { x: tf.TensorInfo }; attrs: PoolAttrs; backend: GraphRecorder }) => {
  if (typeof attrs.pad !== 'string') throw new Error(`${op}: only 'same' and 'valid' padding is recorded`);
  const info = tf.backend_util.computePool2DInfo(x.shape as [number, number, number, number], attrs.filterSize, attrs.strides, 1, attrs.pad, attrs.dimRoundingMode);
  return backend.op(op, [x], { ...typeOf(x), ...poolAttrs(attrs), ...(op === 'MaxPool' ? { explicit_paddings: { ints: [] } } : {}) }, info.outShape);
};

const avgPoolGradient: Kernel = ({ inputs: { dy, input }, attrs, backend }:
{ inputs: { dy: tf.TensorInfo; input: tf.TensorInfo }; attrs: PoolAttrs; backend: GraphRecorder }) =>
  backend.op('AvgPoolGrad', [backend.ints(input.shape), dy], { ...typeOf(dy), ...poolAttrs(attrs) }, input.shape);

const maxPoolGradient: Kernel = ({ inputs: { dy, input, output }, attrs, backend }:
{ inputs: { dy: tf.TensorInfo; input: tf.TensorInfo; output: tf.TensorInfo }; attrs: PoolAttrs; backend: GraphRecorder }) =>
  backend.op('MaxPoolGrad', [input, output, dy], { ...typeOf(dy), ...poolAttrs(attrs), explicit_paddings: { ints: [] } }, input.shape);

export const linear: Kernels = {
  BatchMatMul: matMul, Conv2D: conv2d, Conv2DBackpropInput: conv2dInputGradient, Conv2DBackpropFilter: conv2dFilterGradient,
  Softmax: softmax, MaxPool: pool('MaxPool'), AvgPool: pool('AvgPool'), AvgPoolGrad: avgPoolGradient, MaxPoolGrad: maxPoolGradient,
};
