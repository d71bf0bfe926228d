/** The VAE decoder's features of one picture in strips of rows (ops/strips.ts), so that all cores work on it. */
import { convStrips, groupNormSiluStrips, toStrips, upsampleConvStrips } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { convLayer, type ModelContext } from './context.ts';
import { vaeMidBlock, vaeNorm } from './vaeBlocks.ts';
import type { VaeConfig } from './vaeConfig.ts';

const weight = (ctx: ModelContext, name: string): Tensor => ctx.w(`${name}.weight`);
const bias = (ctx: ModelContext, name: string): Tensor => ctx.w(`${name}.bias`);

function normConv(ctx: ModelContext, norm: string, conv: string, config: VaeConfig, xs: Tensor[]): Tensor[] {
  const { groups, eps } = vaeNorm(config);
  return convStrips(groupNormSiluStrips(xs, weight(ctx, norm), bias(ctx, norm), groups, eps), weight(ctx, conv), bias(ctx, conv));
}

/** resnetBlock.ts, without time embedding. */
function resnet(ctx: ModelContext, name: string, config: VaeConfig, xs: Tensor[]): Tensor[] {
  const h = normConv(ctx, `${name}.norm1`, `${name}.conv1`, config, xs), y = normConv(ctx, `${name}.norm2`, `${name}.conv2`, config, h);
  const shortcut = ctx.has(`${name}.conv_shortcut.weight`) ? xs.map((x) => convLayer(ctx, `${name}.conv_shortcut`, x)) : xs;
  return y.map((v, i) => tf.add(shortcut[i]!, v));
}

function upBlock(ctx: ModelContext, name: string, config: VaeConfig, xs: Tensor[]): Tensor[] {
  let h = xs;
  for (let j = 0; j <= config.layers_per_block; j++) h = resnet(ctx, `${name}.resnets.${j}`, config, h);
  const up = `${name}.upsamplers.0.conv`;
  return ctx.has(`${up}.weight`) ? upsampleConvStrips(h, weight(ctx, up), bias(ctx, up)) : h;
}

/** decoderBlocks of vaeDecoder.ts, each feature in `count` strips of rows (fewer where there are few rows). */
export function decoderStrips(ctx: ModelContext, config: VaeConfig, z: Tensor, numBlocks: number, count: number): Tensor[][] {
  const features = [toStrips(vaeMidBlock(ctx, 'decoder.mid_block', config, convLayer(ctx, 'decoder.conv_in', z)), count)];
  for (let i = 0; i < Math.min(numBlocks, config.block_out_channels.length); i++) features.push(upBlock(ctx, `decoder.up_blocks.${i}`, config, features.at(-1)!));
  return features;
}
