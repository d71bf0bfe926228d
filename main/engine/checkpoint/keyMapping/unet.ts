/**
 * UNet: diffusers' down_blocks / mid_block / up_blocks ↔ the original code's (CompVis, Stability)
 * input_blocks / middle_block / output_blocks, which number resnets, downsamplers and upsamplers in one row.
 */
import { renamer, type ModulePair, type Renamer } from './renamer.ts';

/**
 * How a level's blocks are numbered: one after the other, as the original code does and diffusers reads, or three numbers a level whatever it
 * holds, as diffusers' conversion script writes. With two layers a level, as in every released model, both are the same.
 */
export type Numbering = 'dense' | 'spaced';
/** What of a UNet's shape decides its names. `layers`: resnets of each down level. `up` is in diffusers' order: deepest first. */
export interface UnetStructure { layers: number[]; numbering?: Numbering; down: { attention: boolean }[]; up: { attention: boolean }[]; midAttention: boolean }

const embeddings: ModulePair[] = [
  ['time_embedding.linear_1', 'time_embed.0'], ['time_embedding.linear_2', 'time_embed.2'],
  ['add_embedding.linear_1', 'label_emb.0.0'], ['add_embedding.linear_2', 'label_emb.0.2'],
  ['conv_in', 'input_blocks.0.0'], ['conv_norm_out', 'out.0'], ['conv_out', 'out.2'],
];

const resnet = (diffusers: string, original: string): ModulePair[] => [
  [`${diffusers}.norm1`, `${original}.in_layers.0`], [`${diffusers}.conv1`, `${original}.in_layers.2`],
  [`${diffusers}.time_emb_proj`, `${original}.emb_layers.1`],
  [`${diffusers}.norm2`, `${original}.out_layers.0`], [`${diffusers}.conv2`, `${original}.out_layers.3`],
  [`${diffusers}.conv_shortcut`, `${original}.skip_connection`],
];

function downPairs(s: UnetStructure): ModulePair[] {
  let n = 1; // input_blocks.0 is conv_in
  return s.down.flatMap((level, i) => {
    const pairs: ModulePair[] = [];
    if (s.numbering === 'spaced') n = 3 * i + 1;
    for (let j = 0; j < s.layers[i]!; j++, n++) {
      pairs.push(...resnet(`down_blocks.${i}.resnets.${j}`, `input_blocks.${n}.0`));
      if (level.attention) pairs.push([`down_blocks.${i}.attentions.${j}`, `input_blocks.${n}.1`]);
    }
    if (s.numbering === 'spaced') n = 3 * (i + 1);
    if (i < s.down.length - 1) pairs.push([`down_blocks.${i}.downsamplers.0.conv`, `input_blocks.${n++}.0.op`]);
    return pairs;
  });
}

function upPairs(s: UnetStructure): ModulePair[] {
  let n = 0;
  return s.up.flatMap((level, i) => {
    const pairs: ModulePair[] = [];
    if (s.numbering === 'spaced') n = 3 * i;
    for (let j = 0; j <= s.layers[s.layers.length - 1 - i]!; j++, n++) {
      pairs.push(...resnet(`up_blocks.${i}.resnets.${j}`, `output_blocks.${n}.0`));
      if (level.attention) pairs.push([`up_blocks.${i}.attentions.${j}`, `output_blocks.${n}.1`]);
    }
    const last = s.numbering === 'spaced' ? 3 * i + 2 : n - 1;
    if (i < s.up.length - 1) pairs.push([`up_blocks.${i}.upsamplers.0.conv`, `output_blocks.${last}.${level.attention ? 2 : 1}.conv`]);
    return pairs;
  });
}

function midPairs(s: UnetStructure): ModulePair[] {
  return [
    ...resnet('mid_block.resnets.0', 'middle_block.0'),
    ...(s.midAttention ? [['mid_block.attentions.0', 'middle_block.1'] as const] : []),
    ...resnet('mid_block.resnets.1', `middle_block.${s.midAttention ? 2 : 1}`),
  ];
}

/** Names of modules and of tensors; without the "model.diffusion_model." of single files. */
export const unetRenamer = (s: UnetStructure): Renamer => renamer([...embeddings, ...downPairs(s), ...midPairs(s), ...upPairs(s)]);

/** SDXL's structure, and every three-level UNet's like it. */
export const sdxlStructure: UnetStructure = {
  layers: [2, 2, 2], midAttention: true,
  down: [{ attention: false }, { attention: true }, { attention: true }], up: [{ attention: true }, { attention: true }, { attention: false }],
};

/** The structure that a diffusers UNet config.json describes (its defaults are SD 1.5's). */
export function unetStructure(config: Record<string, unknown>, numbering: Numbering = 'dense'): UnetStructure {
  const down = (config['down_block_types'] as string[] | undefined) ?? ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'];
  const up = (config['up_block_types'] as string[] | undefined) ?? ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'];
  const layers = config['layers_per_block'] ?? 2;
  return {
    layers: Array.isArray(layers) ? layers.map(Number) : down.map(() => Number(layers)), numbering,
    down: down.map((type) => ({ attention: type.startsWith('CrossAttn') })),
    up: up.map((type) => ({ attention: type.startsWith('CrossAttn') })),
    midAttention: (config['mid_block_type'] ?? 'UNetMidBlock2DCrossAttn') === 'UNetMidBlock2DCrossAttn',
  };
}
