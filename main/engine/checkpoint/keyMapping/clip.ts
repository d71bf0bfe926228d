/**
 * Text encoders: transformers' CLIPTextModel names ↔ OpenCLIP's, which SDXL's single files use for the second encoder.
 * OpenCLIP fuses query, key and value into one in_proj and stores text_projection transposed ([in, out]).
 */
import { renamer, type Renamer } from './renamer.ts';

const layerNames = [['layer_norm1', 'ln_1'], ['layer_norm2', 'ln_2'], ['mlp.fc1', 'mlp.c_fc'], ['mlp.fc2', 'mlp.c_proj'], ['self_attn.out_proj', 'attn.out_proj']] as const;

/** Everything but the fused and the transposed tensors. */
function openClipRenamer(layers: number): Renamer {
  return renamer([
    ['text_model.embeddings.token_embedding', 'token_embedding'],
    ['text_model.embeddings.position_embedding.weight', 'positional_embedding'],
    ['text_model.final_layer_norm', 'ln_final'],
    ['text_projection.weight', 'text_projection'],
    ...Array.from({ length: layers }, (_, i) => layerNames.map(([t, o]) => [`text_model.encoder.layers.${i}.${t}`, `transformer.resblocks.${i}.${o}`] as const)).flat(),
  ]);
}

/** One of transformers' tensors as it lies in an OpenCLIP file: whole, or the `part`-th third of the rows, or transposed. */
export interface OpenClipPlace { key: string; part?: 0 | 1 | 2; transposed?: true }
export interface OpenClipMapping { toOriginal(name: string): OpenClipPlace | undefined; /** All tensors that come out of one OpenCLIP tensor. */ toDiffusers(key: string): { name: string; place: OpenClipPlace }[] }

const separate = /^text_model\.encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$/;
const fused = /^transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)$/;

export function openClipMapping(layers: number): OpenClipMapping {
  const names = openClipRenamer(layers);
  const toOriginal = (name: string): OpenClipPlace | undefined => {
    const m = separate.exec(name);
    if (m) return { key: `transformer.resblocks.${m[1]}.attn.in_proj_${m[3]}`, part: 'qkv'.indexOf(m[2]!) as 0 | 1 | 2 };
    const key = names.toOriginal(name);
    return key === undefined ? undefined : key === 'text_projection' ? { key, transposed: true } : { key };
  };
  const toDiffusers = (key: string) => {
    const m = fused.exec(key), name = names.toDiffusers(key);
    const found = m ? [...'qkv'].map((c) => `text_model.encoder.layers.${m[1]}.self_attn.${c}_proj.${m[2]}`) : name === undefined ? [] : [name];
    return found.map((n) => ({ name: n, place: toOriginal(n)! }));
  };
  return { toOriginal, toDiffusers };
}

/** transformers 5 saves CLIPTextModel without its "text_model." prefix, as some early SD 1.x files do; here it is always there. */
export const canonicalClipName = (name: string): string => /^(embeddings|encoder|final_layer_norm)\./.test(name) ? `text_model.${name}` : name;
