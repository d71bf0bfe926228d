/** AutoencoderKL's config.json, as diffusers writes it. */
import { z } from 'zod';
import { parseModelConfig } from './parseConfig.ts';

const positive = z.int().positive();

export const vaeConfigSchema = z.object({
  in_channels: positive.default(3),
  out_channels: positive.default(3),
  latent_channels: positive.default(4),
  block_out_channels: z.array(positive).min(1),
  layers_per_block: positive.default(1),
  norm_num_groups: positive.default(32),
  down_block_types: z.array(z.literal('DownEncoderBlock2D')).optional(),
  up_block_types: z.array(z.literal('UpDecoderBlock2D')).optional(),
  act_fn: z.enum(['silu', 'swish']).default('silu'),
  mid_block_add_attention: z.boolean().default(true),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
  sample_size: z.union([positive, z.array(positive)]).nullish(),
  scaling_factor: z.number().positive().default(0.18215),
  shift_factor: z.number().nullish().transform((v) => v ?? 0),
});

export type VaeConfig = z.output<typeof vaeConfigSchema>;

/** Reads and checks a VAE's config.json. Throws an AppError that names the field that this engine cannot do. */
export function parseVaeConfig(json: unknown): VaeConfig {
  return parseModelConfig('AutoencoderKL', vaeConfigSchema, json);
}

/** How much smaller the latent is than the image, per side: 8 for four blocks. */
export const vaeFactor = (config: VaeConfig): number => 2 ** (config.block_out_channels.length - 1);
