/**
 * Block-wise 8-bit storage of optimizer state (after Dettmers et al. 2022, "8-bit optimizers via block-wise quantization").
 *
 * Values are cut into blocks of 256, each with its largest magnitude s in float32. The map from byte to value is s·sign·(c/C)²: fine near
 * zero, 1.6 % apart near s. `signed`: byte 128 + c, c = −127 … 127, C = 127. Unsigned, for non-negative values: byte c = 1 … 255, C = 255, so that
 * nothing is ever read as zero. Rounding is dithered: up or down by a sequence that over the steps rounds up as often as the remainder asks
 * for; otherwise slow decay would be rounded away at every step and never happen.
 */
import { tf, type Tensor } from '../tf.ts';

export const BLOCK = 256;

export interface Quantised { codes: Tensor; scale: Tensor }

export const blockCount = (size: number): number => Math.ceil(size / BLOCK);

/** x of any shape -> [blocks, 256], zeros at the end. */
function intoBlocks(x: Tensor): Tensor {
  const blocks = blockCount(x.size), flat = tf.reshape(x, [-1]);
  return tf.reshape(blocks * BLOCK === x.size ? flat : tf.pad(flat, [[0, blocks * BLOCK - x.size]]), [blocks, BLOCK]);
}

/** [blocks, 256] -> the tensor of `shape` that was cut. */
function fromBlocks(blocks: Tensor, shape: number[]): Tensor {
  const size = shape.reduce((a, b) => a * b, 1), flat = tf.reshape(blocks, [-1]);
  return tf.reshape(flat.size === size ? flat : tf.slice(flat, [0], [size]), shape);
}

const fraction = (x: Tensor): Tensor => tf.sub(x, tf.floor(x));
const GOLDEN = (Math.sqrt(5) - 1) / 2, SILVER = Math.SQRT2 - 1;

/** Numbers in [0,1) by place in the block, block and step, evenly spread along each: [blocks, 256]. `phase` is a scalar that moves from step to step. */
function dither(blocks: number, phase: Tensor): Tensor {
  const column = Float32Array.from({ length: BLOCK }, (_, i) => (i * GOLDEN) % 1), row = Float32Array.from({ length: blocks }, (_, i) => (i * SILVER) % 1);
  return fraction(tf.add(tf.add(tf.tensor(row, [blocks, 1]), phase), tf.tensor(column, [1, BLOCK]))); // in this order: TensorFlow computes sums of constants beforehand and keeps them
}

/** x -> bytes (as whole float32 numbers) [blocks, 256] and scales [blocks]. `phase`: see `ditherPhase`. */
export function quantise(x: Tensor, signed: boolean, phase: Tensor): Quantised {
  const blocks = intoBlocks(x), magnitude = signed ? tf.abs(blocks) : blocks;
  const scale = tf.max(magnitude, [1], true), levels = signed ? 127 : 255;
  const position = tf.mul(tf.sqrt(tf.div(magnitude, tf.maximum(scale, 1e-30))), levels);
  const rounded = tf.minimum(tf.floor(tf.add(position, dither(blocks.shape[0]!, phase))), levels);
  const codes = signed ? tf.add(tf.mul(tf.sign(blocks), rounded), 128) : tf.maximum(rounded, 1);
  return { codes, scale: tf.reshape(scale, [-1]) };
}

/** The values that bytes stand for, in `shape`. */
export function dequantise({ codes, scale }: Quantised, signed: boolean, shape: number[]): Tensor {
  const s = tf.reshape(scale, [-1, 1]);
  if (!signed) return fromBlocks(tf.mul(tf.square(tf.div(codes, 255)), s), shape);
  const c = tf.div(tf.sub(codes, 128), 127);
  return fromBlocks(tf.mul(tf.mul(c, tf.abs(c)), s), shape);
}

/** The dither's offset at optimizer step `step`: multiples of an irrational number, modulo 1 (in double precision, on the host). */
export const ditherPhase = (step: number): number => (step * 0.7548776662466927) % 1;
