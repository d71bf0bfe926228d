/**
 * Latent Perceptual Loss (Berrada et al. 2025, "Boosting latent diffusion with perceptual objectives", ICLR): the distance between the VAE
 * decoder's features of the predicted and of the true clean latent.
 *
 * In two parts. `lplTargets` computes everything that depends on the true latent alone (features, outlier masks, normalisers,
 * statistics); with cached latents it never changes and can be kept. `lplLoss` compares a prediction with it.
 */
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import { normalisedDistance, weightedDistance } from './featureDistance.ts';
import { comparesImages, layerCount, layerWeight, outlierDownFactor, type LplOptions } from './lplOptions.ts';
import { targetNorm } from './lplNormalise.ts';
import { outlierMask } from './outlierMask.ts';

/** The frozen VAE decoder, given scaled latents [N,h,w,4]. */
export interface LatentDecoder {
  /** outputs of the mid block and the first `numBlocks` up blocks, each [N,H,W,C] */
  features(latent: Tensor, numBlocks: number): Tensor[];
  /** the same features, each in strips of rows */
  featureStrips?(latent: Tensor, numBlocks: number): Tensor[][];
  /** the decoded picture [N,8h,8w,3] */
  image(latent: Tensor): Tensor;
}

/** Strips of rows of each layer; without strips there is one. */
function stripsOf(decoder: LatentDecoder, o: LplOptions, latent: Tensor): Tensor[][] {
  if (comparesImages(o)) return [[decoder.image(latent)]];
  return decoder.featureStrips?.(latent, o.num_blocks) ?? decoder.features(latent, o.num_blocks).map((feature) => [feature]);
}

const layersOf = (decoder: LatentDecoder, o: LplOptions, latent: Tensor): Tensor[] =>
  stripsOf(decoder, o, latent).map((strips) => (strips.length === 1 ? strips[0]! : tf.concat(strips, 1)));

/** Mean, variance and outlier share of each sample's masked feature before normalisation, [N,1,3]. */
function sampleStatistics(y: Tensor, mask: Tensor | undefined): Tensor {
  const n = y.shape[0]!;
  const mean = tf.mean(y, [1, 2, 3], true);
  const variance = tf.mean(tf.square(tf.sub(y, mean)), [1, 2, 3]);
  const ratio = mask ? tf.sub(1, tf.mean(mask, [1, 2, 3])) : tf.zeros([n]);
  return tf.reshape(tf.stack([tf.reshape(mean, [n]), variance, ratio], 1), [n, 1, 3]);
}

/** w_i/(C·Σ_HW mask), to the power that the distance leaves: [N,1,1,C] with a mask, else [N,1,1,1]. */
function layerFactor(o: LplOptions, i: number, [n, h, w, c]: number[], mask: Tensor | undefined): Tensor {
  const count = mask ? tf.maximum(tf.sum(mask, [1, 2], true), 1) : tf.fill([n!, 1, 1, 1], h! * w!);
  const factor = tf.div(layerWeight(o, i) / c!, count);
  return o.loss_type === 'mse' ? tf.sqrt(factor) : factor;
}

/**
 * What the loss needs of the true latents z0 [N,h,w,4] (scaled), by name. Per layer i, `weight_i` = a and `target_i` = b such that the layer's
 * loss of a sample is Σ d(a·x − b), or Σ d(a·(x/‖x‖ − b)) under `default` normalisation: a holds the mask, the layer factor and the normaliser
 * (lplShapes.ts has the shapes). And `stats` [N,layers,3], see `sampleStatistics`.
 */
export function lplTargets(decoder: LatentDecoder, o: LplOptions, z0: Tensor): TensorMap {
  const out: TensorMap = {};
  const stats = layersOf(decoder, o, z0).map((feature, i) => {
    const down = outlierDownFactor(o, i), norm = comparesImages(o) ? 'batch' : o.norm_type;
    const mask = down === undefined ? undefined : outlierMask(feature, down);
    const y = mask ? tf.mul(feature, mask) : feature;
    const factor = layerFactor(o, i, y.shape, mask), weight = mask ? tf.mul(mask, factor) : factor, own = norm === 'default';
    out[`weight_${i}`] = own ? weight : tf.div(weight, targetNorm(norm, y, mask));
    out[`target_${i}`] = own ? tf.div(y, targetNorm(norm, y, mask)) : tf.mul(y, out[`weight_${i}`]!);
    return sampleStatistics(y, mask);
  });
  out['stats'] = tf.concat(stats, 1);
  return out;
}

/** Names of `lplTargets`' tensors for these options, in order. */
export function lplTargetNames(o: LplOptions): string[] {
  return [...Array.from({ length: layerCount(o) }, (_, i) => [`weight_${i}`, `target_${i}`]).flat(), 'stats'];
}

export interface LplLoss {
  /** [N]: sum over layers divided by their number */
  perSample: Tensor;
  /** [N,layers]: each layer's loss, its weight w_i included */
  perLayer: Tensor;
}

/** A target's rows that belong to each strip; what is broadcast over rows belongs to all. */
function targetStrips(target: Tensor, strips: Tensor[]): Tensor[] {
  if (strips.length === 1 || target.shape[1] === 1) return strips.map(() => target);
  return tf.split(target, strips.map((s) => s.shape[1]!), 1);
}

/** The loss of predicted clean latents [N,h,w,4] (scaled) against `lplTargets` of the true ones. Gradients flow to `predicted` only. */
export function lplLoss(decoder: LatentDecoder, o: LplOptions, predicted: Tensor, targets: TensorMap): LplLoss {
  const distance = o.norm_type === 'default' && !comparesImages(o) ? normalisedDistance : weightedDistance;
  const layers = stripsOf(decoder, o, predicted).map((strips, i) => {
    const weights = targetStrips(targets[`weight_${i}`]!, strips), aims = targetStrips(targets[`target_${i}`]!, strips);
    const distances = strips.map((strip, k) => distance(o.loss_type, strip, weights[k]!, aims[k]!));
    return distances.length === 1 ? distances[0]! : tf.addN(distances);
  });
  const perLayer = tf.stack(layers, 1);
  return { perSample: tf.div(tf.sum(perLayer, [1]), layers.length), perLayer };
}
