/** LayerNorm (Ba et al. 2016) with an analytic gradient: dx = r·(g − mean(g) − x̂·mean(g·x̂)), g = γ·dy, r = 1/√(var + ε). */
import { tf, type Tensor } from '../tf.ts';
import { customOp } from './customOp.ts';
import { fuse, fuseAll, inEach } from './fuse.ts';
import { columnSum } from './reduce.ts';

const rowMean = (x: Tensor): Tensor => tf.mean(x, 1, true);

/** LayerNorm over the last axis. x [...,C]; gamma, beta [C]. */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, eps = 1e-5): Tensor {
  const flat = (t: Tensor): Tensor => tf.reshape(t, [-1, gamma.shape[0]!]);
  const compute = (): { value: Tensor; saved: Tensor[] } => {
    const rows = flat(x), mean = rowMean(rows);
    const centred = inEach(x.size, () => tf.sub(rows, mean));
    const variance = rowMean(fuse(x.size, () => tf.square(centred())));
    const inv = tf.rsqrt(tf.add(variance, eps));
    const y = fuse(x.size, () => tf.add(tf.mul(tf.mul(centred(), inv), gamma), beta));
    return { value: tf.reshape(y, x.shape), saved: [x, gamma, mean, inv] };
  };
  return customOp([x, gamma, beta], compute, (dy, [input, scale, mean, inv]) => {
    const rows = flat(input!), d = flat(dy);
    const hat = inEach(dy.size, () => tf.mul(tf.sub(rows, mean!), inv!));
    const dx = (): Tensor => {
      const [g, gHat] = fuseAll(dy.size, () => { const a = tf.mul(d, scale!); return [a, tf.mul(a, hat())]; }) as [Tensor, Tensor];
      const meanG = rowMean(g), meanHat = rowMean(gHat);
      return tf.reshape(fuse(dy.size, () => tf.mul(tf.sub(tf.sub(g, meanG), tf.mul(hat(), meanHat)), inv!)), input!.shape);
    };
    return [dx, () => columnSum(fuse(dy.size, () => tf.mul(d, hat()))), () => columnSum(d)];
  });
}
