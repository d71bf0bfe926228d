/**
 * How LoRA files name layers.
 *
 * - "kohya": lora_unet_ and, for SDXL, the original code's names with underscores (input_blocks_4_1_…); SD 1.5: diffusers' names.
 *   sd-scripts, A1111 and ComfyUI read it.
 * - "kohya-diffusers": lora_unet_ and diffusers' names with underscores (down_blocks_1_attentions_0_…).
 * - "diffusers": unet.down_blocks.1.attentions.0.….lora_A.weight (PEFT; diffusers' save_lora_weights).
 */
import { canonicalClipName } from '../keyMapping/clip.ts';
import type { ModelKind } from '../keyMapping/original.ts';
import type { Renamer } from '../keyMapping/renamer.ts';
import type { LoraComponent } from './loraWeights.ts';

export type LoraForm = 'kohya' | 'kohya-diffusers' | 'diffusers';
export interface LayerName { component: LoraComponent; layer: string }

/** Names of more than one word; every other word of a flattened name stands for itself. */
const compound = [
  'down_blocks', 'up_blocks', 'mid_block', 'transformer_blocks', 'to_q', 'to_k', 'to_v', 'to_out', 'proj_in', 'proj_out', 'time_emb_proj',
  'conv_shortcut', 'conv_in', 'conv_out', 'time_embedding', 'add_embedding', 'linear_1', 'linear_2',
  'input_blocks', 'output_blocks', 'middle_block', 'in_layers', 'out_layers', 'emb_layers', 'skip_connection', 'time_embed', 'label_emb',
  'text_model', 'self_attn', 'q_proj', 'k_proj', 'v_proj', 'out_proj', 'text_projection', 'token_embedding', 'position_embedding',
].sort((a, b) => b.length - a.length);
const word = new RegExp(`(${compound.join('|')}|[a-z0-9]+)(?:_|$)`, 'y');

/** "input_blocks_4_1_proj_in" → "input_blocks.4.1.proj_in". Undefined for what no model's name flattens to. */
export function unflatten(name: string): string | undefined {
  const words: string[] = [];
  word.lastIndex = 0;
  while (word.lastIndex < name.length) {
    const m = word.exec(name);
    if (!m) return undefined;
    words.push(m[1]!);
  }
  return words.length ? words.join('.') : undefined;
}
export const flatten = (name: string): string => name.replaceAll('.', '_');

const isOriginal = (name: string): boolean => /^(input_blocks|middle_block|output_blocks|time_embed|label_emb|out)\./.test(name);

/** A layer's name from kohya's, in either form. `unet` maps original names; undefined where the name means nothing. */
export function fromKohya(name: string, unet: Renamer): LayerName | undefined {
  const m = /^lora_(unet|te[12]?)_(.+)$/.exec(name), dotted = m && unflatten(m[2]!);
  if (!m || !dotted) return undefined;
  if (m[1] !== 'unet') return { component: m[1] === 'te2' ? 'text_encoder_2' : 'text_encoder', layer: canonicalClipName(dotted) };
  const layer = isOriginal(dotted) ? unet.toDiffusers(dotted) : dotted;
  return layer === undefined ? undefined : { component: 'unet', layer };
}

const oldProcessor: Record<string, string> = { to_q_lora: 'to_q', to_k_lora: 'to_k', to_v_lora: 'to_v', to_out_lora: 'to_out.0' };
const oldClip: Record<string, string> = { to_q: 'q_proj', to_k: 'k_proj', to_v: 'v_proj', 'to_out.0': 'out_proj' };

/** A layer's name from a dotted one: with or without the component in front, today's or from before PEFT ("attn1.processor.to_q_lora"). */
export function fromDiffusers(name: string): LayerName | undefined {
  const bare = name.replace(/^base_model\.model\./, ''), m = /^(unet|text_encoder_2|text_encoder)\.(.+)$/.exec(bare);
  const component = (m?.[1] ?? 'unet') as LoraComponent;
  let layer = (m?.[2] ?? bare).replace(/(?:\.processor)?\.(to_[qkv]_lora|to_out_lora)$/, (_, old: string) => `.${oldProcessor[old]}`);
  if (component === 'unet') return /^(down_blocks|up_blocks|mid_block|conv_in|conv_out|time_embedding|add_embedding)\b/.test(layer) ? { component, layer } : undefined;
  layer = canonicalClipName(layer.replace(/(self_attn\.)(to_[qkv]|to_out\.0)$/, (_, start: string, old: string) => start + oldClip[old]));
  return layer.startsWith('text_') ? { component, layer } : undefined;
}

/** kohya's name of a layer. Undefined where the original layout has no such layer. */
export function toKohya({ component, layer }: LayerName, form: 'kohya' | 'kohya-diffusers', kind: ModelKind, unet: Renamer): string | undefined {
  if (component !== 'unet') return `lora_${kind === 'sd15' ? 'te' : component === 'text_encoder' ? 'te1' : 'te2'}_${flatten(layer)}`;
  const name = form === 'kohya' && kind === 'sdxl' ? unet.toOriginal(layer) : layer;
  return name === undefined ? undefined : `lora_unet_${flatten(name)}`;
}
