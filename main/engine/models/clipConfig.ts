/** CLIP text encoders' config.json, as transformers writes it. */
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import { parseModelConfig } from './parseConfig.ts';

const positive = z.int().positive();
const classes = ['CLIPTextModel', 'CLIPTextModelWithProjection'] as const;

const clipConfigSchema = z.object({
  architectures: z.array(z.string()).nullish(),
  vocab_size: positive.default(49408),
  hidden_size: positive.default(512),
  intermediate_size: positive.default(2048),
  num_hidden_layers: positive.default(12),
  num_attention_heads: positive.default(8),
  max_position_embeddings: positive.default(77),
  hidden_act: z.enum(['quick_gelu', 'gelu']).default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
  projection_dim: positive.default(512),
  eos_token_id: z.int().nullish().transform((v) => v ?? 49407),
}).superRefine((c, context) => {
  if (c.hidden_size % c.num_attention_heads) context.addIssue({ code: 'custom', path: ['num_attention_heads'], message: `does not divide hidden_size ${c.hidden_size}` });
});

/** `with_projection` is the class's: the pooled output goes through text_projection. */
export type ClipConfig = z.output<typeof clipConfigSchema> & { with_projection: boolean };

/** Reads and checks a text encoder's config.json. Throws an AppError for another encoder (T5, for instance). */
export function parseClipConfig(json: unknown): ClipConfig {
  const config = parseModelConfig('CLIPTextModel', clipConfigSchema, json);
  const declared = config.architectures?.[0] ?? 'CLIPTextModel';
  if (!classes.some((name) => name === declared)) {
    throw new AppError('model.unsupported', `This model's text encoder is a ${declared}, which is not supported yet; CLIPTextModel or CLIPTextModelWithProjection is expected.`,
      'Choose an SDXL or Stable Diffusion 1.5 family model. SD3, Flux and other models with T5 encoders are not supported yet.', { declared });
  }
  return { ...config, with_projection: declared === 'CLIPTextModelWithProjection' };
}
