/**
 * GroupNorm (Wu & He 2018), alone or followed by SiLU, with an analytic gradient.
 *
 * Per sample and channel it is one multiply-add, x·scale + shift, whose factors come from the channels' sums of x and x².
 * Backwards, with du the gradient of that multiply-add's output u, m and r the group's mean and 1/σ, n its size:
 *   dx = r·(γ·du − Σ_g(γ·du)/n − x̂·Σ_g(γ·du·x̂)/n),  x̂ = (x − m)·r,
 * again one multiply-add of du and x with per-channel factors, which come from the channels' sums of du and du·x.
 */
import { tf, type Tensor } from '../tf.ts';
import { siluDerivative } from './activations.ts';
import { customOp, type Computed } from './customOp.ts';
import { fuse, fuseAll } from './fuse.ts';
import { channelSum } from './reduce.ts';

interface Form { groups: number; eps: number; silu: boolean }
type Shape = [number, number, number, number];

/** Mean over each group's channels of values [N,C] -> [N,G,1]. */
const groupMean = (perChannel: Tensor, groups: number): Tensor =>
  tf.mean(tf.reshape(perChannel, [perChannel.shape[0]!, groups, -1]), 2, true);

/** [N,G,1] -> [N,1,1,C], each group's value for all its channels. */
const spread = (perGroup: Tensor, c: number): Tensor => {
  const [n, groups] = perGroup.shape as [number, number];
  return tf.reshape(tf.tile(perGroup, [1, 1, c / groups]), [n, 1, 1, c]);
};

/** The group's mean and 1/√(var + ε), spread over channels [N,1,1,C]. */
function statistics(x: Tensor, { groups, eps }: Form): { mean: Tensor; inv: Tensor } {
  const [, h, w, c] = x.shape as Shape;
  const mean = groupMean(tf.div(channelSum(x), h * w), groups);
  const meanSquare = groupMean(tf.div(channelSum(tf.square(x)), h * w), groups);
  const inv = tf.rsqrt(tf.add(tf.maximum(tf.sub(meanSquare, tf.square(mean)), 0), eps));
  return { mean: spread(mean, c), inv: spread(inv, c) };
}

function forward(x: Tensor, gamma: Tensor, beta: Tensor, form: Form): Computed {
  const { mean, inv } = statistics(x, form);
  const scale = tf.mul(inv, gamma), shift = tf.sub(beta, tf.mul(mean, scale));
  const value = fuse(x.size, () => {
    const u = tf.add(tf.mul(x, scale), shift);
    return form.silu ? tf.mul(u, tf.sigmoid(u)) : u;
  });
  return { value, saved: [x, gamma, mean, inv, scale, shift] };
}

function backward(dy: Tensor, [x, gamma, mean, inv, scale, shift]: Tensor[], form: Form): (() => Tensor)[] {
  const [, h, w, c] = x!.shape as Shape;
  const local = (): Tensor => (form.silu ? tf.mul(dy, siluDerivative(tf.add(tf.mul(x!, scale!), shift!))) : dy);
  const [du, dux] = fuseAll(dy.size, () => { const d = local(); return [d, tf.mul(d, x!)]; }) as [Tensor, Tensor];
  const sum = tf.reshape(channelSum(du), scale!.shape), sumX = tf.reshape(channelSum(dux), scale!.shape);
  const sumHat = tf.mul(inv!, tf.sub(sumX, tf.mul(mean!, sum))); // Σ du·x̂ per channel
  const overGroup = (t: Tensor): Tensor => spread(groupMean(tf.reshape(tf.mul(t, gamma!), [-1, c]), form.groups), c);
  const dx = (): Tensor => {
    const meanG = tf.div(overGroup(sum), h * w), meanHat = tf.div(overGroup(sumHat), h * w);
    const ofX = tf.neg(tf.mul(tf.square(inv!), meanHat)), constant = tf.neg(tf.add(tf.mul(inv!, meanG), tf.mul(ofX, mean!)));
    return fuse(dy.size, () => tf.add(tf.add(tf.mul(du, scale!), tf.mul(x!, ofX)), constant));
  };
  const overSamples = (t: Tensor): Tensor => tf.reshape(tf.sum(t, 0), [c]);
  return [dx, () => overSamples(sumHat), () => overSamples(sum)];
}

const norm = (x: Tensor, gamma: Tensor, beta: Tensor, form: Form): Tensor =>
  customOp([x, gamma, beta], () => forward(x, gamma, beta, form), (dy, saved) => backward(dy, saved, form));

/** GroupNorm over H, W and the channels of each group. x [N,H,W,C]; gamma, beta [C]. */
export const groupNorm = (x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor =>
  norm(x, gamma, beta, { groups, eps, silu: false });

/** silu(groupNorm(x)) in one pass. x [N,H,W,C]; gamma, beta [C]. */
export const groupNormSilu = (x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor =>
  norm(x, gamma, beta, { groups, eps, silu: true });
