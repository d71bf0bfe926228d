/** AutoencoderKL's decoder: latent -> image, block by block, so that its features can be taken on the way. */
import type { Tensor } from '../tf.ts';
import { checkpointed } from './checkpointed.ts';
import { convLayer, upsampleConvLayer, type ModelContext } from './context.ts';
import { normSiluLayer, resnetBlock, resnetShapes } from './resnetBlock.ts';
import { vaeMidBlock, vaeMidShapes, vaeNorm } from './vaeBlocks.ts';
import type { VaeConfig } from './vaeConfig.ts';
import { convShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

function upBlock(ctx: ModelContext, name: string, config: VaeConfig, x: Tensor): Tensor {
  let h = x;
  for (let j = 0; j <= config.layers_per_block; j++) h = checkpointed(ctx, (t) => resnetBlock(ctx, `${name}.resnets.${j}`, t!, vaeNorm(config)), [h]);
  return ctx.has(`${name}.upsamplers.0.conv.weight`) ? upsampleConvLayer(ctx, `${name}.upsamplers.0.conv`, h) : h;
}

/**
 * Outputs of the mid block and of the first `numBlocks` up blocks, each after its upsampler; nothing later is
 * computed. z [N,h,w,latent_channels], unscaled; `post_quant_conv` is not applied (Berrada et al. 2025's reference).
 */
export function decoderBlocks(ctx: ModelContext, config: VaeConfig, z: Tensor, numBlocks: number): Tensor[] {
  const mid = checkpointed(ctx, (x) => vaeMidBlock(ctx, 'decoder.mid_block', config, x), [convLayer(ctx, 'decoder.conv_in', z)]);
  const features = [mid];
  for (let i = 0; i < Math.min(numBlocks, config.block_out_channels.length); i++) features.push(upBlock(ctx, `decoder.up_blocks.${i}`, config, features.at(-1)!));
  return features;
}

/** z [N,h,w,latent_channels] after post_quant_conv -> image [N,H,W,3]. */
export function decoderForward(ctx: ModelContext, config: VaeConfig, z: Tensor): Tensor {
  const h = decoderBlocks(ctx, config, z, config.block_out_channels.length).at(-1)!;
  return convLayer(ctx, 'decoder.conv_out', normSiluLayer(ctx, 'decoder.conv_norm_out', h, vaeNorm(config)));
}

function upShapes(config: VaeConfig, i: number): WeightShapes {
  const channels = config.block_out_channels.toReversed();
  const name = `decoder.up_blocks.${i}`;
  const cout = channels[i]!;
  const resnets = Array.from({ length: config.layers_per_block + 1 }, (_, j) => resnetShapes(`${name}.resnets.${j}`, j ? cout : channels[Math.max(0, i - 1)]!, cout));
  return mergeShapes(...resnets, i < channels.length - 1 ? convShapes(`${name}.upsamplers.0.conv`, 3, cout, cout) : {});
}

export function decoderShapes(config: VaeConfig): WeightShapes {
  const channels = config.block_out_channels;
  return mergeShapes(
    convShapes('decoder.conv_in', 3, config.latent_channels, channels.at(-1)!), vaeMidShapes('decoder.mid_block', config),
    ...channels.map((_, i) => upShapes(config, i)),
    normShapes('decoder.conv_norm_out', channels[0]!), convShapes('decoder.conv_out', 3, channels[0]!, config.out_channels),
  );
}
