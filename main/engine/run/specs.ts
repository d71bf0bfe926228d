/** Shapes of what step functions are fed. */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { InputSpec } from '../backend/executor.ts';
import { vaeFactor } from '../models/vae.ts';
import type { BaseModel } from './baseModel.ts';

/** Tokens of a CLIP prompt. */
export const TOKENS = 77;

export const floatSpec = (...shape: number[]): InputSpec => ({ shape, dtype: 'float32' });

/** [n, h, w, C] of latents of pictures `width` × `height` px. */
export function latentShape({ vae }: BaseModel, n: number, width: number, height: number): number[] {
  const factor = vaeFactor(vae);
  return [n, height / factor, width / factor, vae.latent_channels];
}

/** What the training step is fed besides latents: embeddings, or tokens where the text encoders are trained (`liveText`); a draw for LoRA dropout. */
export function trainingSpecs(base: BaseModel, n: number, { type, dropout }: RunConfig['method'], liveText: boolean): Record<string, InputSpec> {
  const embedded = conditioningSpecs(base, n), lora = type === 'lora', tokens: InputSpec = { shape: [n, TOKENS], dtype: 'int32' };
  const { promptEmbeds: _states, pooled: _pooled, ...sizes } = embedded;
  const text = liveText ? { ids: tokens, ...(base.source.has('text_encoder_2') ? { ids2: tokens } : {}), ...sizes } : embedded;
  return { ...text, ...(lora && dropout > 0 ? { dropout_draw: floatSpec(1) } : {}) };
}

/** Text states and, for SDXL, pooled text and size conditioning of n samples. */
export function conditioningSpecs({ unet }: BaseModel, n: number): Record<string, InputSpec> {
  const width = Array.isArray(unet.cross_attention_dim) ? unet.cross_attention_dim[0]! : unet.cross_attention_dim;
  const promptEmbeds = floatSpec(n, TOKENS, width);
  if (!unet.addition_embed_type) return { promptEmbeds };
  return { promptEmbeds, pooled: floatSpec(n, unet.projection_class_embeddings_input_dim! - 6 * unet.addition_time_embed_dim!), timeIds: floatSpec(n, 6) };
}
