/** Activations, each one pass over memory forwards and one backwards when compiled. */
import { tf, type Tensor } from '../tf.ts';
import { customOp } from './customOp.ts';
import { fuse } from './fuse.ts';

/** The derivative of x·σ(kx): σ(kx)·(1 + kx·(1 − σ(kx))). */
export function siluDerivative(x: Tensor, k = 1): Tensor {
  const kx = k === 1 ? x : tf.mul(x, k), s = tf.sigmoid(kx);
  return tf.mul(s, tf.add(tf.mul(kx, tf.sub(1, s)), 1));
}

const scaledSilu = (x: Tensor, k: number): Tensor => tf.mul(x, tf.sigmoid(k === 1 ? x : tf.mul(x, k)));
/** Φ(x), the standard normal distribution function. */
const normalCdf = (x: Tensor): Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
/** d/dx x·Φ(x) = Φ(x) + x·φ(x). */
const geluDerivative = (x: Tensor): Tensor => tf.add(normalCdf(x), tf.mul(x, tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))));

const pointwise = (f: (x: Tensor) => Tensor, derivative: (x: Tensor) => Tensor) => (x: Tensor): Tensor => customOp(
  [x], () => ({ value: fuse(x.size, () => f(x)), saved: [x] }),
  (dy, [input]) => [() => fuse(dy.size, () => tf.mul(dy, derivative(input!)))],
);

/** x·σ(x) (Hendrycks & Gimpel 2016; "swish"). */
export const silu = pointwise((x) => scaledSilu(x, 1), (x) => siluDerivative(x));
/** Exact GELU: x·Φ(x) (Hendrycks & Gimpel 2016). */
export const gelu = pointwise((x) => tf.mul(x, normalCdf(x)), geluDerivative);
/** x·σ(1.702x), as OpenAI's CLIP. */
export const quickGelu = pointwise((x) => scaledSilu(x, 1.702), (x) => siluDerivative(x, 1.702));

const halves = (x: Tensor): [Tensor, Tensor] => tf.split(x, 2, x.shape.length - 1) as [Tensor, Tensor];

/** GEGLU (Shazeer 2020): x = [a ‖ b] along the last axis -> a · gelu(b). x [..., 2C] -> [..., C]. */
export function geglu(x: Tensor): Tensor {
  const forward = (): Tensor => { const [a, b] = halves(x); return tf.mul(a, tf.mul(b, normalCdf(b))); };
  return customOp([x], () => ({ value: fuse(x.size, forward), saved: [x] }), (dy, [input]) => [() => fuse(x.size, () => {
    const [a, b] = halves(input!);
    return tf.concat([tf.mul(dy, tf.mul(b, normalCdf(b))), tf.mul(tf.mul(dy, a), geluDerivative(b))], input!.shape.length - 1);
  })]);
}
