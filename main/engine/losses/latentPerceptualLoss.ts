/**
 * Latent Perceptual Loss (Berrada et al. 2025, "Boosting latent diffusion with perceptual objectives", ICLR): the distance between the VAE
 * decoder's features of the predicted and of the true clean latent.
 *
 * In two parts. `lplTargets` computes everything that depends on the true latent alone (features, outlier masks, normalisers,
 * statistics); with cached latents it never changes and can be kept. `lplLoss` compares a prediction with it.
 */
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import { comparesImages, layerCount, layerWeight, outlierDownFactor, type LplOptions } from './lplOptions.ts';
import { normalisePrediction, normaliserNames, normaliseTarget } from './lplNormalise.ts';
import { outlierMask } from './outlierMask.ts';

/** The frozen VAE decoder, given scaled latents [N,h,w,4]. */
export interface LatentDecoder {
  /** outputs of the mid block and the first `numBlocks` up blocks, each [N,H,W,C] */
  features(latent: Tensor, numBlocks: number): Tensor[];
  /** the decoded picture [N,8h,8w,3] */
  image(latent: Tensor): Tensor;
}

const layersOf = (decoder: LatentDecoder, o: LplOptions, latent: Tensor): Tensor[] =>
  (comparesImages(o) ? [decoder.image(latent)] : decoder.features(latent, o.num_blocks));

/** Mean, variance and outlier share of each sample's masked feature before normalisation, [N,1,3]. */
function sampleStatistics(y: Tensor, mask: Tensor | undefined): Tensor {
  const n = y.shape[0]!;
  const mean = tf.mean(y, [1, 2, 3], true);
  const variance = tf.mean(tf.square(tf.sub(y, mean)), [1, 2, 3]);
  const ratio = mask ? tf.sub(1, tf.mean(mask, [1, 2, 3])) : tf.zeros([n]);
  return tf.reshape(tf.stack([tf.reshape(mean, [n]), variance, ratio], 1), [n, 1, 3]);
}

/**
 * What the loss needs of the true latents z0 [N,h,w,4] (scaled), by name; per layer i:
 * `target_i` [N,H,W,C] the normalised feature, `weight_i` [N,H,W,C] = mask·w_i/(C·Σ_HW mask) where outliers are removed, `scale_i` and
 * `mean_i` the normalisers (lplNormalise.ts); and `stats` [N,layers,3], see `sampleStatistics`.
 */
export function lplTargets(decoder: LatentDecoder, o: LplOptions, z0: Tensor): TensorMap {
  const out: TensorMap = {};
  const stats = layersOf(decoder, o, z0).map((feature, i) => {
    const down = outlierDownFactor(o, i);
    const mask = down === undefined ? undefined : outlierMask(feature, down);
    const y = mask ? tf.mul(feature, mask) : feature;
    const { target, by } = comparesImages(o) ? { target: y, by: {} } : normaliseTarget(o.norm_type, y, mask);
    out[`target_${i}`] = target;
    for (const [name, value] of Object.entries(by)) out[`${name}_${i}`] = value as Tensor;
    if (mask) out[`weight_${i}`] = tf.div(tf.mul(mask, layerWeight(o, i)), tf.mul(tf.sum(mask, [1, 2], true), y.shape[3]!));
    return sampleStatistics(y, mask);
  });
  out['stats'] = tf.concat(stats, 1);
  return out;
}

/** Names of `lplTargets`' tensors for these options, in order. */
export function lplTargetNames(o: LplOptions): string[] {
  const ofLayer = (i: number): string[] => [`target_${i}`, ...(comparesImages(o) ? [] : normaliserNames[o.norm_type]).map((n) => `${n}_${i}`),
    ...(outlierDownFactor(o, i) === undefined ? [] : [`weight_${i}`])];
  return [...Array.from({ length: layerCount(o) }, (_, i) => ofLayer(i)).flat(), 'stats'];
}

/** One layer's loss per sample, [N]: mean over channels of Σ_HW d(x̂,ŷ)·mask·w / Σ_HW mask. */
function layerLoss(o: LplOptions, i: number, feature: Tensor, targets: TensorMap): Tensor {
  const pick = (name: string): TensorMap => (targets[`${name}_${i}`] ? { [name]: targets[`${name}_${i}`]! } : {});
  const x = comparesImages(o) ? feature : normalisePrediction(o.norm_type, feature, { ...pick('scale'), ...pick('mean') });
  const difference = tf.sub(x, targets[`target_${i}`]!);
  const distance = o.loss_type === 'mse' ? tf.square(difference) : tf.abs(difference);
  const weight = targets[`weight_${i}`];
  const [, h, w, c] = feature.shape as [number, number, number, number];
  return weight ? tf.sum(tf.mul(distance, weight), [1, 2, 3]) : tf.mul(tf.sum(distance, [1, 2, 3]), layerWeight(o, i) / (h * w * c));
}

export interface LplLoss {
  /** [N]: sum over layers divided by their number */
  perSample: Tensor;
  /** [N,layers]: each layer's loss, its weight w_i included */
  perLayer: Tensor;
}

/** The loss of predicted clean latents [N,h,w,4] (scaled) against `lplTargets` of the true ones. Gradients flow to `predicted` only. */
export function lplLoss(decoder: LatentDecoder, o: LplOptions, predicted: Tensor, targets: TensorMap): LplLoss {
  const layers = layersOf(decoder, o, predicted).map((feature, i) => layerLoss(o, i, feature, targets));
  const perLayer = tf.stack(layers, 1);
  return { perSample: tf.div(tf.sum(perLayer, [1]), layers.length), perLayer };
}
