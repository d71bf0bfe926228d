/** AutoencoderKL's encoder: image -> moments of the latent posterior (Rombach et al. 2022). */
import type { Tensor } from '../tf.ts';
import { convLayer, type ModelContext } from './context.ts';
import { normSiluLayer, resnetBlock, resnetShapes } from './resnetBlock.ts';
import { vaeMidBlock, vaeMidShapes, vaeNorm } from './vaeBlocks.ts';
import type { VaeConfig } from './vaeConfig.ts';
import { convShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

/** Diffusers pads the strided convolution at the bottom and right only. */
const DOWNSAMPLE = { stride: 2, padding: [[0, 1], [0, 1]] as [[number, number], [number, number]] };

function downBlock(ctx: ModelContext, name: string, config: VaeConfig, x: Tensor): Tensor {
  let h = x;
  for (let j = 0; j < config.layers_per_block; j++) h = resnetBlock(ctx, `${name}.resnets.${j}`, h, vaeNorm(config));
  return ctx.has(`${name}.downsamplers.0.conv.weight`) ? convLayer(ctx, `${name}.downsamplers.0.conv`, h, DOWNSAMPLE) : h;
}

/** image [N,H,W,3] in −1..1 -> normed and activated states of the mid block [N,h,w,C]: what the moments are read from. */
export function encoderStates(ctx: ModelContext, config: VaeConfig, image: Tensor): Tensor {
  let h = convLayer(ctx, 'encoder.conv_in', image);
  config.block_out_channels.forEach((_, i) => { h = downBlock(ctx, `encoder.down_blocks.${i}`, config, h); });
  return normSiluLayer(ctx, 'encoder.conv_norm_out', vaeMidBlock(ctx, 'encoder.mid_block', config, h), vaeNorm(config));
}

/** image [N,H,W,3] in −1..1 -> moments before quant_conv [N,h,w,2·latent_channels]. */
export const encoderForward = (ctx: ModelContext, config: VaeConfig, image: Tensor): Tensor => convLayer(ctx, 'encoder.conv_out', encoderStates(ctx, config, image));

export function encoderShapes(config: VaeConfig): WeightShapes {
  const channels = config.block_out_channels;
  const blocks = channels.map((cout, i) => {
    const name = `encoder.down_blocks.${i}`;
    const cin = channels[i - 1] ?? cout;
    const resnets = Array.from({ length: config.layers_per_block }, (_, j) => resnetShapes(`${name}.resnets.${j}`, j ? cout : cin, cout));
    return mergeShapes(...resnets, i < channels.length - 1 ? convShapes(`${name}.downsamplers.0.conv`, 3, cout, cout) : {});
  });
  const last = channels.at(-1)!;
  return mergeShapes(
    convShapes('encoder.conv_in', 3, config.in_channels, channels[0]!), ...blocks, vaeMidShapes('encoder.mid_block', config),
    normShapes('encoder.conv_norm_out', last), convShapes('encoder.conv_out', 3, last, 2 * config.latent_channels),
  );
}
