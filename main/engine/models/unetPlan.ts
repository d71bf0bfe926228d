/** The layers of a UNet, written out from its config: the forward pass and the list of weights both walk over this. */
import type { UnetConfig } from './unetConfig.ts';

/** A transformer after a resnet: width `channels`, `depth` layers of `heads` heads. */
export interface TransformerPlan { name: string; channels: number; heads: number; depth: number; crossDim: number }
export interface ResnetPlan { name: string; cin: number; cout: number }
export interface LayerPlan { resnet: ResnetPlan; transformer?: TransformerPlan }
/** A down or up block; `sampler` names its down- or upsampling convolution, absent in the last one. */
export interface BlockPlan { layers: LayerPlan[]; channels: number; sampler?: string }
/** The middle: resnet, then transformer and resnet; only the first resnet for UNetMidBlock2D. */
export interface MidPlan { first: ResnetPlan; transformer?: TransformerPlan; second?: ResnetPlan }

export interface UnetPlan { down: BlockPlan[]; mid?: MidPlan; up: BlockPlan[]; timeChannels: number }

type PerBlock = number | number[];
const at = (value: PerBlock, i: number): number => (Array.isArray(value) ? value[i]! : value);

interface BlockSettings { name: string; cross: boolean; heads: number; depth: number | number[]; crossDim: number; cout: number; inputs: number[]; sampler: string | undefined }

function planBlock({ name, cross, heads, depth, crossDim, cout, inputs, sampler }: BlockSettings): BlockPlan {
  const layers = inputs.map((cin, j): LayerPlan => ({
    resnet: { name: `${name}.resnets.${j}`, cin, cout },
    ...(cross ? { transformer: { name: `${name}.attentions.${j}`, channels: cout, heads, depth: at(depth, j), crossDim } } : {}),
  }));
  return { layers, channels: cout, ...(sampler ? { sampler: `${name}.${sampler}.0.conv` } : {}) };
}

/** Per-block settings by down-block index; up blocks take them in reverse. */
function settings(c: UnetConfig): { heads: (i: number) => number; layers: (i: number) => number; crossDim: (i: number) => number } {
  const headCounts = c.num_attention_heads ?? c.attention_head_dim;
  return { heads: (i) => at(headCounts, i), layers: (i) => at(c.layers_per_block, i), crossDim: (i) => at(c.cross_attention_dim, i) };
}

const depths = (c: UnetConfig): (number | number[])[] =>
  Array.isArray(c.transformer_layers_per_block) ? c.transformer_layers_per_block : c.block_out_channels.map(() => c.transformer_layers_per_block as number);

function planDown(c: UnetConfig): BlockPlan[] {
  const { heads, layers, crossDim } = settings(c);
  const channels = c.block_out_channels;
  return c.down_block_types.map((type, i) => planBlock({
    name: `down_blocks.${i}`, cross: type === 'CrossAttnDownBlock2D', heads: heads(i), depth: depths(c)[i]!, crossDim: crossDim(i), cout: channels[i]!,
    inputs: Array.from({ length: layers(i) }, (_, j) => (j ? channels[i]! : channels[Math.max(0, i - 1)]!)),
    sampler: i < channels.length - 1 ? 'downsamplers' : undefined,
  }));
}

/** Channels of every skip connection, in the order in which the down path makes them. */
function skipChannels(c: UnetConfig, down: BlockPlan[]): number[] {
  return [c.block_out_channels[0]!, ...down.flatMap((b) => [...b.layers.map(() => b.channels), ...(b.sampler ? [b.channels] : [])])];
}

function planUp(c: UnetConfig, down: BlockPlan[]): BlockPlan[] {
  const { heads, layers, crossDim } = settings(c);
  const channels = c.block_out_channels.toReversed();
  const last = channels.length - 1;
  const upDepths = c.reverse_transformer_layers_per_block ?? depths(c).toReversed();
  const skips = skipChannels(c, down);
  let previous = channels[0]!;
  return c.up_block_types.map((type, i) => {
    const inputs = Array.from({ length: layers(last - i) + 1 }, (_, j) => (j ? channels[i]! : previous) + skips.pop()!);
    previous = channels[i]!;
    return planBlock({
      name: `up_blocks.${i}`, cross: type === 'CrossAttnUpBlock2D', heads: heads(last - i), depth: upDepths[i]!, crossDim: crossDim(last - i), cout: channels[i]!,
      inputs, sampler: i < last ? 'upsamplers' : undefined,
    });
  });
}

function planMid(c: UnetConfig): MidPlan | undefined {
  if (c.mid_block_type === null) return undefined;
  const last = c.block_out_channels.length - 1;
  const channels = c.block_out_channels[last]!;
  const first = { name: 'mid_block.resnets.0', cin: channels, cout: channels };
  if (c.mid_block_type === 'UNetMidBlock2D') return { first };
  const { heads, crossDim } = settings(c);
  const transformer = { name: 'mid_block.attentions.0', channels, heads: heads(last), depth: at(depths(c)[last]!, 0), crossDim: crossDim(last) };
  return { first, transformer, second: { ...first, name: 'mid_block.resnets.1' } };
}

/** The plan of a UNet whose config has been checked. */
export function planUnet(c: UnetConfig): UnetPlan {
  const down = planDown(c);
  const mid = planMid(c);
  return { down, ...(mid ? { mid } : {}), up: planUp(c, down), timeChannels: c.time_embedding_dim ?? 4 * c.block_out_channels[0]! };
}
