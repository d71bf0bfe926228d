/**
 * The app's own eye: a small image–text encoder, trained contrastively (Radford et al. 2021), kept apart from the
 * generator. It gives the feature space for distances between picture sets and for prompt agreement where a person
 * has no CLIP model. Its text tower is a CLIPTextModelWithProjection (clip.ts) under the prefix "text.".
 */
import { silu } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { convLayer, linearLayer, type ModelContext } from './context.ts';
import { normLayer, resnetBlock, resnetShapes } from './resnetBlock.ts';
import { convShapes, linearShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

export interface EyeConfig {
  /** side of the pictures that it looks at, px */
  image_size: number;
  /** channels of the stages, each at half the resolution of the one before; the first at half the image's */
  channels: number[];
  norm_num_groups: number;
  /** width of the embedding shared with the text tower */
  projection_dim: number;
}

const norm = (config: EyeConfig) => ({ groups: config.norm_num_groups, eps: 1e-5 });

/** image [N,S,S,3] in −1..1 -> pooled features [N, last channels] and unit embedding [N, projection_dim]. */
export function eyeImage(ctx: ModelContext, config: EyeConfig, image: Tensor): { features: Tensor; embedding: Tensor } {
  let h = image;
  config.channels.forEach((_, i) => {
    h = convLayer(ctx, `image.stages.${i}.down`, h, { stride: 2, padding: 1 });
    h = resnetBlock(ctx, `image.stages.${i}.resnet`, h, norm(config));
  });
  const features = tf.mean(silu(normLayer(ctx, 'image.norm', h, norm(config))), [1, 2]);
  return { features, embedding: unit(linearLayer(ctx, 'image.projection', features)) };
}

/** x / ‖x‖ along the last axis. */
export const unit = (x: Tensor): Tensor => tf.div(x, tf.add(tf.sqrt(tf.sum(tf.square(x), -1, true)), 1e-8));

/** Weights of the image tower and the logit scale, in tfjs layout. */
export function eyeWeightShapes(config: EyeConfig): WeightShapes {
  const last = config.channels.at(-1)!;
  const stages = config.channels.map((c, i) => mergeShapes(
    convShapes(`image.stages.${i}.down`, 3, i ? config.channels[i - 1]! : 3, c), resnetShapes(`image.stages.${i}.resnet`, c, c),
  ));
  return mergeShapes(...stages, normShapes('image.norm', last), linearShapes('image.projection', last, config.projection_dim, false), { logit_scale: [1] });
}
