/** The UNet's down, mid and up blocks, forward passes and weights, from their plans. */
import { tf, type Tensor } from '../tf.ts';
import { checkpointed } from './checkpointed.ts';
import { convLayer, upsampleConvLayer, type ModelContext } from './context.ts';
import { resnetBlock, resnetShapes } from './resnetBlock.ts';
import { transformer2d, transformerShapes } from './transformer2d.ts';
import type { UnetConfig } from './unetConfig.ts';
import type { BlockPlan, LayerPlan, MidPlan, ResnetPlan, TransformerPlan } from './unetPlan.ts';
import { convShapes, mergeShapes, type WeightShapes } from './weightShapes.ts';

/** What every block needs besides its input: time embedding [N,T], text states [N,S,D]. */
export interface Conditioning { temb: Tensor; text: Tensor }

function resnet(ctx: ModelContext, c: UnetConfig, { name }: ResnetPlan, x: Tensor, temb: Tensor): Tensor {
  return checkpointed(ctx, (h, t) => resnetBlock(ctx, name, h!, { groups: c.norm_num_groups, eps: c.norm_eps }, t), [x, temb]);
}

const transformer = (ctx: ModelContext, c: UnetConfig, plan: TransformerPlan, x: Tensor, text: Tensor): Tensor =>
  transformer2d(ctx, plan, { groups: c.norm_num_groups, linearProjection: c.use_linear_projection }, x, text);

function layer(ctx: ModelContext, c: UnetConfig, plan: LayerPlan, x: Tensor, { temb, text }: Conditioning): Tensor {
  const h = resnet(ctx, c, plan.resnet, x, temb);
  return plan.transformer ? transformer(ctx, c, plan.transformer, h, text) : h;
}

/** Returns every output that a skip connection carries; the last one is the block's output. */
export function downBlock(ctx: ModelContext, c: UnetConfig, plan: BlockPlan, x: Tensor, cond: Conditioning): Tensor[] {
  const outputs: Tensor[] = [];
  let h = x;
  for (const l of plan.layers) outputs.push(h = layer(ctx, c, l, h, cond));
  if (plan.sampler) {
    const padding = c.downsample_padding ? 1 : [[0, 1], [0, 1]] as [[number, number], [number, number]];
    outputs.push(convLayer(ctx, plan.sampler, h, { stride: 2, padding }));
  }
  return outputs;
}

export function midBlock(ctx: ModelContext, c: UnetConfig, plan: MidPlan, x: Tensor, { temb, text }: Conditioning): Tensor {
  let h = resnet(ctx, c, plan.first, x, temb);
  if (plan.transformer) h = transformer(ctx, c, plan.transformer, h, text);
  return plan.second ? resnet(ctx, c, plan.second, h, temb) : h;
}

/** Nearest neighbour to any size: output row i takes row ⌊i·h/height⌋. x [N,h,w,C] -> [N,height,width,C]. */
function resizeNearest(x: Tensor, height: number, width: number): Tensor {
  const rows = (from: number, to: number) => tf.tensor1d(Int32Array.from({ length: to }, (_, i) => Math.floor((i * from) / to)), 'int32');
  return tf.gather(tf.gather(x, rows(x.shape[1]!, height), 1), rows(x.shape[2]!, width), 2);
}

/** Upsampling to the size of the skip it will meet, and a convolution. The size is twice as large except where an odd one lost a row or column on the way down. */
function upsample(ctx: ModelContext, name: string, x: Tensor, [, height, width]: number[]): Tensor {
  const doubled = 2 * x.shape[1]! === height && 2 * x.shape[2]! === width;
  return doubled ? upsampleConvLayer(ctx, name, x) : convLayer(ctx, name, resizeNearest(x, height!, width!));
}

/** Takes its skips off the end of `skips`. */
export function upBlock(ctx: ModelContext, c: UnetConfig, plan: BlockPlan, x: Tensor, skips: Tensor[], cond: Conditioning): Tensor {
  let h = x;
  for (const l of plan.layers) h = layer(ctx, c, l, tf.concat([h, skips.pop()!], 3), cond);
  return plan.sampler ? upsample(ctx, plan.sampler, h, skips.at(-1)!.shape) : h;
}

const layerShapes = (c: UnetConfig, { resnet: r, transformer: t }: LayerPlan, timeChannels: number): WeightShapes => mergeShapes(
  resnetShapes(r.name, r.cin, r.cout, timeChannels),
  t ? transformerShapes(t, { groups: c.norm_num_groups, linearProjection: c.use_linear_projection }) : {},
);

export const blockShapes = (c: UnetConfig, plan: BlockPlan, timeChannels: number): WeightShapes => mergeShapes(
  ...plan.layers.map((l) => layerShapes(c, l, timeChannels)), plan.sampler ? convShapes(plan.sampler, 3, plan.channels, plan.channels) : {},
);

export function midShapes(c: UnetConfig, { first, transformer: t, second }: MidPlan, timeChannels: number): WeightShapes {
  return mergeShapes(
    layerShapes(c, { resnet: first, ...(t ? { transformer: t } : {}) }, timeChannels),
    second ? resnetShapes(second.name, second.cin, second.cout, timeChannels) : {},
  );
}
