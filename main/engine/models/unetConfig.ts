/** UNet2DConditionModel's config.json, as diffusers writes it: the SDXL and Stable Diffusion 1.x/2.x families. */
import { z } from 'zod';
import { parseModelConfig } from './parseConfig.ts';

const positive = z.int().positive();
const perBlock = z.union([positive, z.array(positive)]);
const depth = z.int().nonnegative();
/** Transformer layers of a block: one number, or one for each of its resnets. */
const blockDepth = z.union([depth, z.array(depth)]);
/** A field that must be absent, null, or have the one value that the engine computes. */
const only = <T extends string | number | boolean>(value: T) => z.literal(value).nullish();

const fields = z.object({
  sample_size: z.union([positive, z.array(positive)]).nullish(),
  in_channels: positive.default(4),
  out_channels: positive.default(4),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().default(0),
  down_block_types: z.array(z.enum(['DownBlock2D', 'CrossAttnDownBlock2D'])).default(['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D']),
  mid_block_type: z.enum(['UNetMidBlock2DCrossAttn', 'UNetMidBlock2D']).nullable().default('UNetMidBlock2DCrossAttn'),
  up_block_types: z.array(z.enum(['UpBlock2D', 'CrossAttnUpBlock2D'])).default(['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D']),
  block_out_channels: z.array(positive).min(1).default([320, 640, 1280, 1280]),
  layers_per_block: perBlock.default(2),
  downsample_padding: z.int().min(0).max(1).default(1),
  act_fn: z.enum(['silu', 'swish']).default('silu'),
  norm_num_groups: positive.default(32),
  norm_eps: z.number().positive().default(1e-5),
  cross_attention_dim: perBlock.default(1280),
  transformer_layers_per_block: z.union([depth, z.array(blockDepth)]).default(1),
  reverse_transformer_layers_per_block: z.array(blockDepth).nullish(),
  /** diffusers' quirk: the number of heads, not their width */
  attention_head_dim: perBlock.default(8),
  num_attention_heads: perBlock.nullish(),
  use_linear_projection: z.boolean().default(false),
  addition_embed_type: z.literal('text_time').nullish(),
  addition_time_embed_dim: positive.nullish(),
  projection_class_embeddings_input_dim: positive.nullish(),
  time_embedding_dim: positive.nullish(),
  // What the engine does not compute must not be asked for.
  center_input_sample: only(false), only_cross_attention: only(false), mid_block_only_cross_attention: only(false),
  dual_cross_attention: only(false), class_embeddings_concat: only(false), resnet_skip_time_act: only(false),
  mid_block_scale_factor: only(1), resnet_out_scale_factor: only(1), dropout: only(0), conv_in_kernel: only(3), conv_out_kernel: only(3),
  attention_type: only('default'), resnet_time_scale_shift: only('default'), time_embedding_type: only('positional'),
  encoder_hid_dim: z.null().optional(), encoder_hid_dim_type: z.null().optional(), class_embed_type: z.null().optional(),
  num_class_embeds: z.null().optional(), time_embedding_act_fn: z.null().optional(), timestep_post_act: z.null().optional(),
  time_cond_proj_dim: z.null().optional(), cross_attention_norm: z.null().optional(),
});

/** Lists must have one entry a block, and the text_time fields come together. */
export const unetConfigSchema = fields.superRefine((c, context) => {
  const blocks = c.block_out_channels.length;
  const wrong = (path: string, message: string): void => { context.addIssue({ code: 'custom', path: [path], message }); };
  for (const key of ['down_block_types', 'up_block_types', 'layers_per_block', 'cross_attention_dim', 'transformer_layers_per_block',
    'reverse_transformer_layers_per_block', 'attention_head_dim', 'num_attention_heads'] as const) {
    const value = c[key];
    if (Array.isArray(value) && value.length !== blocks) wrong(key, `has ${value.length} entries for ${blocks} blocks`);
  }
  const nested = Array.isArray(c.transformer_layers_per_block) && c.transformer_layers_per_block.some(Array.isArray);
  if (nested && !c.reverse_transformer_layers_per_block) wrong('reverse_transformer_layers_per_block', 'must be given for an asymmetrical UNet');
  if (c.addition_embed_type && !(c.addition_time_embed_dim && c.projection_class_embeddings_input_dim)) {
    wrong('addition_embed_type', 'text_time needs addition_time_embed_dim and projection_class_embeddings_input_dim');
  }
});

export type UnetConfig = z.output<typeof unetConfigSchema>;

/** Reads and checks a UNet's config.json. Throws an AppError that names each field that the engine cannot do. */
export function parseUnetConfig(json: unknown): UnetConfig {
  return parseModelConfig('UNet2DConditionModel', unetConfigSchema, json);
}
