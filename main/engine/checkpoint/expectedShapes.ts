/** The weights that a component's config.json asks for, in tfjs layout. */
import { parseUnetConfig, unetWeightShapes } from '../models/unet.ts';
import { parseVaeConfig, vaeWeightShapes } from '../models/vae.ts';
import { linearShapes, mergeShapes, normShapes, type WeightShapes } from '../models/weightShapes.ts';
import type { ComponentConfig, ComponentName } from './keyMapping/original.ts';

/** CLIPTextModel, and with `projection` CLIPTextModelWithProjection. */
function clipShapes(config: ComponentConfig, projection: boolean): WeightShapes {
  const n = (key: string, fallback: number): number => Number(config[key] ?? fallback);
  const d = n('hidden_size', 512), inner = n('intermediate_size', 2048), layers = n('num_hidden_layers', 12);
  const layer = (name: string): WeightShapes => mergeShapes(
    normShapes(`${name}.layer_norm1`, d), normShapes(`${name}.layer_norm2`, d), linearShapes(`${name}.mlp.fc1`, d, inner), linearShapes(`${name}.mlp.fc2`, inner, d),
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((p) => linearShapes(`${name}.self_attn.${p}`, d, d)));
  return mergeShapes(
    { 'text_model.embeddings.token_embedding.weight': [n('vocab_size', 49408), d], 'text_model.embeddings.position_embedding.weight': [n('max_position_embeddings', 77), d] },
    ...Array.from({ length: layers }, (_, i) => layer(`text_model.encoder.layers.${i}`)), normShapes('text_model.final_layer_norm', d),
    projection ? linearShapes('text_projection', d, n('projection_dim', 512), false) : {});
}

/** Throws model.unsupported or model.config_invalid for configs that the engine cannot compute. */
export function expectedShapes(component: ComponentName, config: ComponentConfig): WeightShapes {
  if (component === 'unet') return unetWeightShapes(parseUnetConfig(config));
  if (component === 'vae') return vaeWeightShapes(parseVaeConfig(config));
  return clipShapes(config, component === 'text_encoder_2');
}
