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
import { customOps } from './customOp.ts';
import { fuse, fuseAll } from './fuse.ts';
import { channelSum } from './reduce.ts';

interface Form { groups: number; eps: number; silu: boolean }

/** Mean over each group's channels of values [N,C] -> [N,G,1]. */
const groupMean = (perChannel: Tensor, groups: number): Tensor =>
  tf.mean(tf.reshape(perChannel, [perChannel.shape[0]!, groups, -1]), 2, true);

/** [N,G,1] -> [N,1,1,C], each group's value for all its channels. */
const spread = (perGroup: Tensor, c: number): Tensor => {
  const [n, groups] = perGroup.shape as [number, number];
  return tf.reshape(tf.tile(perGroup, [1, 1, c / groups]), [n, 1, 1, c]);
};

const total = (terms: Tensor[]): Tensor => (terms.length === 1 ? terms[0]! : tf.addN(terms));
/** Positions of a picture that is given in strips. */
const positions = (strips: Tensor[]): number => strips.reduce((sum, { shape: [, h, w] }) => sum + h! * w!, 0);

/** The group's mean and 1/√(var + ε), spread over channels [N,1,1,C]. */
function statistics(xs: Tensor[], { groups, eps }: Form): { mean: Tensor; inv: Tensor } {
  const count = positions(xs), c = xs[0]!.shape[3]!;
  const mean = groupMean(tf.div(total(xs.map(channelSum)), count), groups);
  const meanSquare = groupMean(tf.div(total(xs.map((x) => channelSum(tf.square(x)))), count), groups);
  const inv = tf.rsqrt(tf.add(tf.maximum(tf.sub(meanSquare, tf.square(mean)), 0), eps));
  return { mean: spread(mean, c), inv: spread(inv, c) };
}

function forward(xs: Tensor[], gamma: Tensor, beta: Tensor, form: Form): { values: Tensor[]; saved: Tensor[] } {
  const { mean, inv } = statistics(xs, form);
  const scale = tf.mul(inv, gamma), shift = tf.sub(beta, tf.mul(mean, scale));
  const values = xs.map((x) => fuse(x.size, () => {
    const u = tf.add(tf.mul(x, scale), shift);
    return form.silu ? tf.mul(u, tf.sigmoid(u)) : u;
  }));
  return { values, saved: [gamma, mean, inv, scale, shift, ...xs] };
}

function backward(dys: Tensor[], [gamma, mean, inv, scale, shift, ...xs]: Tensor[], form: Form): (() => Tensor)[] {
  const count = positions(xs), c = gamma!.shape[0]!;
  const local = (dy: Tensor, x: Tensor): Tensor => (form.silu ? tf.mul(dy, siluDerivative(tf.add(tf.mul(x, scale!), shift!))) : dy);
  const through = xs.map((x, i) => fuseAll(x.size, () => { const d = local(dys[i]!, x); return [d, tf.mul(d, x)]; }) as [Tensor, Tensor]);
  const sum = tf.reshape(total(through.map(([du]) => channelSum(du))), scale!.shape), sumX = tf.reshape(total(through.map(([, dux]) => channelSum(dux))), scale!.shape);
  const sumHat = tf.mul(inv!, tf.sub(sumX, tf.mul(mean!, sum))); // Σ du·x̂ per channel
  const overGroup = (t: Tensor): Tensor => spread(groupMean(tf.reshape(tf.mul(t, gamma!), [-1, c]), form.groups), c);
  const { ofX, constant } = inputFactors(tf.div(overGroup(sum), count), tf.div(overGroup(sumHat), count), mean!, inv!);
  const dx = (i: number) => (): Tensor => fuse(xs[i]!.size, () => tf.add(tf.add(tf.mul(through[i]![0], scale!), tf.mul(xs[i]!, ofX)), constant));
  const overSamples = (t: Tensor): Tensor => tf.reshape(tf.sum(t, 0), [c]);
  return [() => overSamples(sumHat), () => overSamples(sum), ...xs.map((_, i) => dx(i))];
}

/** dx = du·scale + x·ofX + constant, given the group's means of γ·du and γ·du·x̂. */
function inputFactors(meanG: Tensor, meanHat: Tensor, mean: Tensor, inv: Tensor): { ofX: Tensor; constant: Tensor } {
  const ofX = tf.neg(tf.mul(tf.square(inv), meanHat));
  return { ofX, constant: tf.neg(tf.add(tf.mul(inv, meanG), tf.mul(ofX, mean))) };
}

const norm = (xs: Tensor[], gamma: Tensor, beta: Tensor, form: Form): Tensor[] =>
  customOps([gamma, beta, ...xs], () => forward(xs, gamma, beta, form), (dys, saved) => backward(dys, saved, form));

/** GroupNorm over H, W and the channels of each group. x [N,H,W,C]; gamma, beta [C]. */
export const groupNorm = (x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor =>
  norm([x], gamma, beta, { groups, eps, silu: false })[0]!;

/** silu(groupNorm(x)) in one pass. x [N,H,W,C]; gamma, beta [C]. */
export const groupNormSilu = (x: Tensor, gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor =>
  norm([x], gamma, beta, { groups, eps, silu: true })[0]!;

/** `groupNormSilu` of a picture given in strips of rows, each [N,h,W,C]: the statistics are the whole picture's. */
export const groupNormSiluStrips = (strips: Tensor[], gamma: Tensor, beta: Tensor, groups: number, eps: number): Tensor[] =>
  norm(strips, gamma, beta, { groups, eps, silu: true });
