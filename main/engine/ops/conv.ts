/** Convolutions, NHWC. */
import { tf, type Tensor } from '../tf.ts';
import { customOp } from './customOp.ts';
import { addBias } from './linear.ts';

export type ConvOptions = { stride?: number; /** zero padding [[top,bottom],[left,right]] or one number for all */ padding?: number | [[number, number], [number, number]] };

/** 2-D convolution (cross-correlation). x [N,H,W,Cin], w [kh,kw,Cin,Cout], b [Cout]. Default padding keeps the size of odd kernels. */
export function conv2d(x: Tensor, w: Tensor, b?: Tensor, { stride = 1, padding }: ConvOptions = {}): Tensor {
  const k = w.shape[0]!;
  const p = padding ?? (k - 1) / 2;
  const same = stride === 1 && typeof p === 'number' && p === (k - 1) / 2;
  const pads: [[number, number], [number, number]] = typeof p === 'number' ? [[p, p], [p, p]] : p;
  const padded = same || pads.flat().every((v) => v === 0) ? x : tf.pad(x, [[0, 0], ...pads, [0, 0]]);
  const y = tf.conv2d(padded as tf.Tensor4D, w as tf.Tensor4D, stride, same ? 'same' : 'valid');
  return b ? addBias(y, b) : y;
}

/** Nearest-neighbour ×2 by reshape and concat (tfjs's resize gradients are wrong or missing on some backends). x [N,H,W,C]. */
export function upsampleNearest2x(x: Tensor): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const cols = tf.reshape(x, [n * h * w, 1, c]);
  const wide = tf.reshape(tf.concat([cols, cols], 1), [n * h, 1, 2 * w * c]);
  return tf.reshape(tf.concat([wide, wide], 1), [n, 2 * h, 2 * w, c]);
}

const shifted = (k: Tensor, axis: number): Tensor => {
  const pad = (before: number): Tensor => tf.pad(k, k.shape.map((_, i): [number, number] => (i === axis ? [before, 1 - before] : [0, 0])));
  return tf.add(pad(0), pad(1));
};
const flipped = (w: Tensor): Tensor => tf.transpose(tf.reverse(w, [0, 1]), [0, 1, 3, 2]);

/** The 4×4 kernel of the stride-2 transposed convolution that equals nearest ×2, then the 3×3 kernel w. [3,3,I,O] -> [4,4,O,I]. */
const upsampledKernel = (w: Tensor): Tensor => shifted(shifted(flipped(w), 0), 1);

/** The transpose of upsampledKernel: the gradient of its argument. [4,4,O,I] -> [3,3,I,O]. */
function upsampledKernelGradient(df: Tensor): Tensor {
  const [, , o, i] = df.shape as [number, number, number, number];
  const rows = tf.add(tf.slice(df, [0, 0, 0, 0], [3, 4, o, i]), tf.slice(df, [1, 0, 0, 0], [3, 4, o, i]));
  return flipped(tf.add(tf.slice(rows, [0, 0, 0, 0], [3, 3, o, i]), tf.slice(rows, [0, 1, 0, 0], [3, 3, o, i])));
}

/**
 * conv2d(upsampleNearest2x(x), w, b) for a 3×3 kernel w, as one transposed convolution with 16 taps an input pixel instead of 36.
 * x [N,H,W,Cin], w [3,3,Cin,Cout] -> [N,2H,2W,Cout].
 */
export function upsampleConv2d(x: Tensor, w: Tensor, b?: Tensor): Tensor {
  const [n, h, wide] = x.shape as [number, number, number, number];
  const compute = (): { value: Tensor; saved: Tensor[] } => {
    const kernel = upsampledKernel(w) as tf.Tensor4D;
    return { value: tf.conv2dTranspose(x as tf.Tensor4D, kernel, [n, 2 * h, 2 * wide, w.shape[3]!], 2, 'same'), saved: [x, kernel] };
  };
  const y = customOp([x, w], compute, (dy, [input, kernel]) => [
    () => tf.conv2d(dy as tf.Tensor4D, kernel as tf.Tensor4D, 2, 'same'),
    () => upsampledKernelGradient(filterGradient(dy, input!, kernel!.shape)),
  ]);
  return b ? addBias(y, b) : y;
}

/** The gradient of z = conv2d(y, f, 2, 'same') in f, given y and dz. */
function filterGradient(y: Tensor, dz: Tensor, filterShape: number[]): Tensor {
  const attrs = { strides: [2, 2], pad: 'same', dataFormat: 'NHWC', dimRoundingMode: undefined, filterShape };
  return tf.engine().runKernel('Conv2DBackpropFilter', { x: y, dy: dz }, attrs as unknown as tf.NamedAttrMap) as Tensor;
}
