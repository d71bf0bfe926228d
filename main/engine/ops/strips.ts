/**
 * A picture in strips of rows, [N,h,W,C] each: a way to keep all cores busy with one picture when every operation runs on one. Each strip
 * goes through the layers on its own; 3×3 convolutions borrow a row from the neighbours.
 */
import { tf, type Tensor } from '../tf.ts';
import { upsampleConv2d } from './conv.ts';
import { customOps } from './customOp.ts';
import { recording } from './fuse.ts';
import { addBias } from './linear.ts';

/** Heights of `count` strips of `rows` rows, as equal as can be. */
export const stripHeights = (rows: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.floor(((i + 1) * rows) / count) - Math.floor((i * rows) / count));

/** x [N,H,W,C] -> `count` strips, fewer if H is small: each has at least two rows. */
export function toStrips(x: Tensor, count: number): Tensor[] {
  const rows = x.shape[1]!, n = Math.max(1, Math.min(count, Math.floor(rows / 2)));
  return n === 1 ? [x] : tf.split(x, stripHeights(rows, n), 1);
}

/** Rows first … first + count − 1 of x [N,H,W,C]; negative `first` counts from the end. */
export function rows(x: Tensor, first: number, count: number): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return tf.slice(x, [0, first < 0 ? h + first : first, 0, 0], [n, count, w, c]);
}

/** Each strip with its neighbours' adjoining rows. The gradient adds what the neighbours owe to those rows. */
function withBorders(strips: Tensor[]): Tensor[] {
  if (strips.length === 1) return strips;
  const compute = (): { values: Tensor[]; saved: Tensor[] } => ({
    values: strips.map((x, i) => tf.concat([...(i > 0 ? [rows(strips[i - 1]!, -1, 1)] : []), x, ...(i < strips.length - 1 ? [rows(strips[i + 1]!, 0, 1)] : [])], 1)),
    saved: [],
  });
  const heights = strips.map((x) => x.shape[1]!), last = strips.length - 1;
  return customOps(strips, compute, (dys) => strips.map((_, i) => () => {
    const own = i > 0 ? 1 : 0, h = heights[i]!, dy = dys[i]!;
    const top = rows(dy, own, 1), bottom = rows(dy, own + h - 1, 1), middle = h > 2 ? [rows(dy, own + 1, h - 2)] : [];
    const fromAbove = i > 0 ? tf.add(top, rows(dys[i - 1]!, -1, 1)) : top, fromBelow = i < last ? tf.add(bottom, rows(dys[i + 1]!, 0, 1)) : bottom;
    return tf.concat([fromAbove, ...middle, fromBelow], 1);
  }));
}

/** 3×3 convolution of one strip that has its borders already: zeros left and right, and above and below as `ends` says. */
function convStrip(x: Tensor, w: Tensor, ends: [number, number]): Tensor {
  const pads: [number, number][] = [[0, 0], ends, [1, 1], [0, 0]];
  // tfjs-node has no gradient for explicit padding, and TensorFlow no fast convolution with it in half precision.
  if (recording()?.current.precision === 'fp32') return tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pads as [[number, number], [number, number], [number, number], [number, number]]);
  return tf.conv2d(tf.pad(x, pads) as tf.Tensor4D, w as tf.Tensor4D, 1, 'valid');
}

/** conv2d of the whole picture, 3×3, stride 1, zero padding that keeps its size. w [3,3,Cin,Cout], b [Cout]. */
export function convStrips(strips: Tensor[], w: Tensor, b?: Tensor): Tensor[] {
  return withBorders(strips).map((x, i) => {
    const y = convStrip(x, w, [i === 0 ? 1 : 0, i === strips.length - 1 ? 1 : 0]);
    return b ? addBias(y, b) : y;
  });
}

/** upsampleConv2d of the whole picture: strips of twice the rows. */
export function upsampleConvStrips(strips: Tensor[], w: Tensor, b?: Tensor): Tensor[] {
  return withBorders(strips).map((x, i) => rows(upsampleConv2d(x, w, b), i > 0 ? 2 : 0, 2 * strips[i]!.shape[1]!));
}
