/** UNet2DConditionModel (Rombach et al. 2022; Podell et al. 2023, "SDXL") on tfjs, NHWC. */
import { AppError } from '../../contract/errors.ts';
import { tf, type Tensor } from '../tf.ts';
import { convLayer, type ModelContext } from './context.ts';
import { normSiluLayer } from './resnetBlock.ts';
import { embeddingMlp, embeddingMlpShapes, sinusoidalEmbedding } from './timeEmbedding.ts';
import { blockShapes, downBlock, midBlock, midShapes, upBlock } from './unetBlocks.ts';
import type { UnetConfig } from './unetConfig.ts';
import { planUnet } from './unetPlan.ts';
import { convShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

export { parseUnetConfig, type UnetConfig } from './unetConfig.ts';

export interface UnetInputs {
  /** noisy latent [N,h,w,in_channels] */
  sample: Tensor;
  /** [N], 0 … 999 */
  timestep: Tensor;
  /** text states [N,S,cross_attention_dim] */
  encoderHiddenStates: Tensor;
  /** SDXL: pooled text [N,P] */
  textEmbeds?: Tensor;
  /** SDXL: original height, width, crop top, left, target height, width [N,6] */
  timeIds?: Tensor;
}

/** SDXL's addition: MLP(pooled text ‖ sinusoids of the six sizes). */
function textTimeEmbedding(ctx: ModelContext, c: UnetConfig, { textEmbeds, timeIds }: UnetInputs): Tensor {
  if (!textEmbeds || !timeIds) {
    throw new AppError('model.missing_conditioning', 'This UNet needs pooled text embeddings and size conditioning (SDXL), and was given none.',
      'Use it with SDXL\'s two text encoders.');
  }
  const sizes = sinusoidalEmbedding(tf.reshape(timeIds, [-1]), c.addition_time_embed_dim!, { flipSinToCos: c.flip_sin_to_cos, freqShift: c.freq_shift });
  return embeddingMlp(ctx, 'add_embedding', tf.concat([textEmbeds, tf.reshape(sizes, [timeIds.shape[0]!, -1])], 1));
}

/** Time embedding [N,T], with SDXL's addition where the config has it. */
function timeEmbedding(ctx: ModelContext, c: UnetConfig, inputs: UnetInputs): Tensor {
  const t = sinusoidalEmbedding(inputs.timestep, c.block_out_channels[0]!, { flipSinToCos: c.flip_sin_to_cos, freqShift: c.freq_shift });
  const temb = embeddingMlp(ctx, 'time_embedding', t);
  return c.addition_embed_type ? tf.add(temb, textTimeEmbedding(ctx, c, inputs)) : temb;
}

/** The prediction (noise, velocity or sample, as the model was trained) [N,h,w,out_channels]. Any h, w, odd ones too. */
export function unetForward(ctx: ModelContext, config: UnetConfig, inputs: UnetInputs): Tensor {
  const plan = planUnet(config);
  const cond = { temb: timeEmbedding(ctx, config, inputs), text: inputs.encoderHiddenStates };
  const skips = [convLayer(ctx, 'conv_in', inputs.sample)];
  for (const block of plan.down) skips.push(...downBlock(ctx, config, block, skips.at(-1)!, cond));
  let h = skips.at(-1)!;
  if (plan.mid) h = midBlock(ctx, config, plan.mid, h, cond);
  for (const block of plan.up) h = upBlock(ctx, config, block, h, skips, cond);
  return convLayer(ctx, 'conv_out', normSiluLayer(ctx, 'conv_norm_out', h, { groups: config.norm_num_groups, eps: config.norm_eps }));
}

/** Every weight of the UNet, in tfjs layout. */
export function unetWeightShapes(config: UnetConfig): WeightShapes {
  const { down, mid, up, timeChannels } = planUnet(config);
  const first = config.block_out_channels[0]!;
  return mergeShapes(
    convShapes('conv_in', 3, config.in_channels, first), embeddingMlpShapes('time_embedding', first, timeChannels),
    config.addition_embed_type ? embeddingMlpShapes('add_embedding', config.projection_class_embeddings_input_dim!, timeChannels) : {},
    ...down.map((b) => blockShapes(config, b, timeChannels)), mid ? midShapes(config, mid, timeChannels) : {},
    ...up.map((b) => blockShapes(config, b, timeChannels)),
    normShapes('conv_norm_out', first), convShapes('conv_out', 3, first, config.out_channels),
  );
}
