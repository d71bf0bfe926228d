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
import { fuse, fuseAll, recording } from './fuse.ts';
import { channelSum, floatProduct } from './reduce.ts';

interface Form { groups: number; eps: number; silu: boolean }

/** [C,G]: `value` where the channel is one of the group's, 0 elsewhere. */
function membership(c: number, groups: number, value: number): Tensor {
  const diagonal = Float32Array.from({ length: groups * groups }, (_, i) => (i % (groups + 1) ? 0 : value));
  const make = (): Tensor => tf.reshape(tf.tile(tf.tensor3d(diagonal, [groups, 1, groups]), [1, c / groups, 1]), [c, groups]);
  return recording()?.once(`membership ${c} ${groups} ${value}`, make) ?? make();
}

/** Means over each group's values, given the channels' sums over `count` positions. [N,C] -> [N,G]. */
const groupMean = (sums: Tensor, groups: number, count: number): Tensor => {
  const c = sums.shape[1]!;
  return floatProduct(sums, membership(c, groups, groups / c / count));
};

/** Each group's value for all its channels. [N,G] -> [N,C]. */
const spread = (perGroup: Tensor, c: number): Tensor => floatProduct(perGroup, membership(c, perGroup.shape[1]!, 1), true);

const total = (terms: Tensor[]): Tensor => (terms.length === 1 ? terms[0]! : tf.addN(terms));
/** Positions of a picture that is given in strips. */
const positions = (strips: Tensor[]): number => strips.reduce((sum, { shape: [, h, w] }) => sum + h! * w!, 0);
/** [N,C] -> [N,1,1,C]. */
const everywhere = (t: Tensor): Tensor => tf.reshape(t, [t.shape[0]!, 1, 1, t.shape[1]!]);

/** The groups' means and 1/√(var + ε), [N,G]. */
function statistics(xs: Tensor[], { groups, eps }: Form): { mean: Tensor; inv: Tensor } {
  const count = positions(xs);
  const mean = groupMean(total(xs.map(channelSum)), groups, count), meanSquare = groupMean(total(xs.map((x) => channelSum(tf.square(x)))), groups, count);
  return { mean, inv: tf.rsqrt(tf.add(tf.maximum(tf.sub(meanSquare, tf.square(mean)), 0), eps)) };
}

function forward(xs: Tensor[], gamma: Tensor, beta: Tensor, form: Form): { values: Tensor[]; saved: Tensor[] } {
  const groups = statistics(xs, form), c = gamma.shape[0]!, mean = spread(groups.mean, c), inv = spread(groups.inv, c), factor = tf.mul(inv, gamma);
  const scale = everywhere(factor), shift = everywhere(tf.sub(beta, tf.mul(mean, factor)));
  const values = xs.map((x) => fuse(x.size, () => {
    const u = tf.add(tf.mul(x, scale), shift);
    return form.silu ? tf.mul(u, tf.sigmoid(u)) : u;
  }));
  return { values, saved: [gamma, groups.mean, groups.inv, mean, inv, scale, shift, ...xs] };
}

function backward(dys: Tensor[], [gamma, groupMeans, groupInv, mean, inv, scale, shift, ...xs]: Tensor[], form: Form): (() => Tensor)[] {
  const local = (dy: Tensor, x: Tensor): Tensor => (form.silu ? tf.mul(dy, siluDerivative(tf.add(tf.mul(x, scale!), shift!))) : dy);
  const through = xs.map((x, i) => fuseAll(x.size, () => { const d = local(dys[i]!, x); return [d, tf.mul(d, x)]; }) as [Tensor, Tensor]);
  const sum = total(through.map(([du]) => channelSum(du))), sumX = total(through.map(([, dux]) => channelSum(dux)));
  const sumHat = tf.mul(inv!, tf.sub(sumX, tf.mul(mean!, sum))); // Σ du·x̂ per channel
  const overGroup = (t: Tensor): Tensor => groupMean(tf.mul(t, gamma!), form.groups, positions(xs));
  const [ofX, constant] = inputFactors(overGroup(sum), overGroup(sumHat), groupMeans!, groupInv!).map((t) => everywhere(spread(t, gamma!.shape[0]!))) as [Tensor, Tensor];
  const dx = (i: number) => (): Tensor => fuse(xs[i]!.size, () => tf.sub(tf.mul(through[i]![0], scale!), tf.add(tf.mul(xs[i]!, ofX), constant)));
  return [() => tf.sum(sumHat, 0), () => tf.sum(sum, 0), ...xs.map((_, i) => dx(i))];
}

/** dx = du·scale − (x·ofX + constant), given the groups' means of γ·du and γ·du·x̂. All [N,G]. */
function inputFactors(meanG: Tensor, meanHat: Tensor, mean: Tensor, inv: Tensor): [Tensor, Tensor] {
  const ofX = tf.mul(tf.mul(inv, meanHat), inv);
  return [ofX, tf.sub(tf.mul(inv, meanG), tf.mul(ofX, mean))];
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
