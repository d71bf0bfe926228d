/**
 * Outlier masks of decoder features (Berrada et al. 2025, appendix; section 3 of the loss's description).
 * A few extreme activations would otherwise dominate the deep blocks' share of the Latent Perceptual Loss.
 */
import { tf, type Tensor } from '../tf.ts';

/** Share of a channel's values beyond each of the two order statistics. */
const QUANTILE = 0.02;
/** Window sides at full resolution: `closing` fills pin holes in the mask, `opening` then widens what it excludes. */
const OPENING = 5, CLOSING = 3;

/** Windows for features at 1/downFactor of the resolution; an even window has no centre: opening 2 becomes 3, closing 2 becomes 1. */
export function poolingWindows(downFactor: number): { opening: number; closing: number } {
  const opening = Math.ceil(OPENING / downFactor), closing = Math.ceil(CLOSING / downFactor);
  return { opening: opening === 2 ? 3 : opening, closing: closing === 2 ? 1 : closing };
}

/** Which order statistics (from 1) bound the inliers of n values; never below the first. */
export function orderStatistics(n: number): { low: number; high: number } {
  return { low: Math.max(1, Math.floor(n * QUANTILE)), high: Math.max(1, Math.floor(n * (1 - QUANTILE))) };
}

/** The k-th smallest (k from 1) along the last axis of x [..., n] -> [..., 1]. */
function kthSmallest(x: Tensor, k: number): Tensor {
  const n = x.shape.at(-1)!, rank = x.shape.length;
  const last = (values: Tensor, i: number): Tensor => tf.slice(values, [...new Array<number>(rank - 1).fill(0), i], [...x.shape.slice(0, -1), 1]);
  if (k <= n / 2) return tf.neg(last(tf.topk(tf.neg(x), k).values, k - 1));
  return last(tf.topk(x, n - k + 1).values, n - k);
}

/** Same-size pooling with stride 1; what lies outside never wins. */
const maxPool = (x: Tensor, window: number): Tensor => (window === 1 ? x : tf.maxPool(x as tf.Tensor4D, window, 1, 'same'));
const minPool = (x: Tensor, window: number): Tensor => tf.neg(maxPool(tf.neg(x), window));

/**
 * Mask of the inliers of feature [N,H,W,C], 1 or 0, by sample and channel: q₁ − m < y < q₂ + m with q₁ and q₂ the order statistics at
 * 2 % and 98 % and m twice the (unbiased) standard deviation over H·W; then max-pooled (closing) and min-pooled (opening).
 */
export function outlierMask(feature: Tensor, downFactor: number): Tensor {
  const [n, h, w, c] = feature.shape as [number, number, number, number];
  const { low, high } = orderStatistics(h * w);
  const values = tf.transpose(tf.reshape(feature, [n, h * w, c]), [0, 2, 1]);
  const variance = tf.div(tf.sum(tf.square(tf.sub(values, tf.mean(values, [2], true))), [2], true), h * w - 1);
  const margin = tf.mul(2, tf.sqrt(variance));
  const perChannel = (x: Tensor): Tensor => tf.reshape(x, [n, 1, 1, c]);
  const above = tf.less(perChannel(tf.sub(kthSmallest(values, low), margin)), feature);
  const below = tf.less(feature, perChannel(tf.add(kthSmallest(values, high), margin)));
  const mask = tf.cast(tf.logicalAnd(above, below), 'float32');
  const { opening, closing } = poolingWindows(downFactor);
  return minPool(maxPool(mask, closing), opening);
}
