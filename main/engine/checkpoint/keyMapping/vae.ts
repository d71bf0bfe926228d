/** VAE: diffusers' AutoencoderKL names ↔ the original code's (encoder.down.i.block.j, decoder.up.i counted from the image side). */
import { renamer, type ModulePair, type Renamer } from './renamer.ts';

export interface VaeStructure { levels: number; layersPerBlock: number }

const resnet = (diffusers: string, original: string): ModulePair[] => [[diffusers, original], [`${diffusers}.conv_shortcut`, `${original}.nin_shortcut`]];

/** Attention in the mid block; its maps are linear layers in diffusers and 1×1 convolutions in the original. */
const midBlock = (half: 'encoder' | 'decoder'): ModulePair[] => [
  ...resnet(`${half}.mid_block.resnets.0`, `${half}.mid.block_1`), ...resnet(`${half}.mid_block.resnets.1`, `${half}.mid.block_2`),
  ...([['group_norm', 'norm'], ['to_q', 'q'], ['to_k', 'k'], ['to_v', 'v'], ['to_out.0', 'proj_out']] as const)
    .map(([d, o]): ModulePair => [`${half}.mid_block.attentions.0.${d}`, `${half}.mid.attn_1.${o}`]),
];

const ends = (half: 'encoder' | 'decoder'): ModulePair[] => [
  [`${half}.conv_in`, `${half}.conv_in`], [`${half}.conv_norm_out`, `${half}.norm_out`], [`${half}.conv_out`, `${half}.conv_out`],
];

function levelPairs(s: VaeStructure, i: number): ModulePair[] {
  const up = s.levels - 1 - i, pairs: ModulePair[] = [];
  for (let j = 0; j < s.layersPerBlock; j++) pairs.push(...resnet(`encoder.down_blocks.${i}.resnets.${j}`, `encoder.down.${i}.block.${j}`));
  for (let j = 0; j <= s.layersPerBlock; j++) pairs.push(...resnet(`decoder.up_blocks.${i}.resnets.${j}`, `decoder.up.${up}.block.${j}`));
  if (i < s.levels - 1) pairs.push(
    [`encoder.down_blocks.${i}.downsamplers.0`, `encoder.down.${i}.downsample`],
    [`decoder.up_blocks.${i}.upsamplers.0`, `decoder.up.${up}.upsample`]);
  return pairs;
}

/** Names without the "first_stage_model." of single files. */
export const vaeRenamer = (s: VaeStructure): Renamer => renamer([
  ['quant_conv', 'quant_conv'], ['post_quant_conv', 'post_quant_conv'],
  ...ends('encoder'), ...ends('decoder'), ...midBlock('encoder'), ...midBlock('decoder'),
  ...Array.from({ length: s.levels }, (_, i) => levelPairs(s, i)).flat(),
]);

export const vaeStructure = (config: Record<string, unknown>): VaeStructure =>
  ({ levels: (config['block_out_channels'] as number[] | undefined)?.length ?? 1, layersPerBlock: Number(config['layers_per_block'] ?? 1) });

/** Whether this is a linear map that the original stores as a 1×1 convolution. */
export const isVaeAttentionMatrix = (name: string): boolean => /mid_block\.attentions\.\d+\.(to_[qkv]|to_out\.0)\.weight$/.test(name);

const oldNames: Record<string, string> = { query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' };
/** diffusers' names before 0.15 (attentions.0.query …) → today's. */
export const modernVaeName = (name: string): string =>
  name.replace(/(mid_block\.attentions\.\d+\.)(query|key|value|proj_attn)\./, (_, start: string, old: string) => `${start}${oldNames[old]}.`);
