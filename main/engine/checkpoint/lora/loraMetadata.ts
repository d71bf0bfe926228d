/** The texts in a LoRA file's header: kohya's ss_* and sshs_*, modelspec.*, diffusers' own. */
import { modelSpec, type FileDescription } from '../modelSpec.ts';
import type { LayerName, LoraForm } from './loraNames.ts';
import type { LoraWeights } from './loraWeights.ts';

/** `training`: texts and numbers under kohya's names without "ss_" (learning_rate, max_train_steps, seed …). */
export interface LoraDescription extends FileDescription {
  baseModel?: string | undefined;
  training?: Record<string, string | number | boolean | null | undefined> | undefined;
}

const foldedKey = 'lpl_studio.folded_scale';

/** diffusers' form has no alpha tensors: the scale goes into the up matrices, so that every reader applies it, and is noted here to be undone. */
export const foldedMetadata = (scale: number): Record<string, string> => (scale === 1 ? {} : { [foldedKey]: String(scale) });

/** How to know a layer's alpha where the file has no alpha tensor for it. */
export interface AlphaRule { alphaOf(name: LayerName, rank: number): number; /** what the up matrices were multiplied by when written */ foldedScale: number }

interface PeftConfig { [key: string]: unknown }
/** PEFT's rule: an entry of alpha_pattern whose key the layer's name ends with, else lora_alpha. */
function peftAlpha(config: PeftConfig, { component, layer }: LayerName): number | undefined {
  const pattern = config[`${component}.alpha_pattern`], entries = typeof pattern === 'object' && pattern !== null ? Object.entries(pattern) : [];
  const value = entries.find(([key]) => layer === key || layer.endsWith(`.${key}`))?.[1] ?? config[`${component}.lora_alpha`];
  return typeof value === 'number' ? value : undefined;
}

function adapterConfig(metadata: Record<string, string>): PeftConfig {
  try {
    const value: unknown = JSON.parse(metadata['lora_adapter_metadata'] ?? '{}');
    return typeof value === 'object' && value !== null ? (value as PeftConfig) : {};
  } catch {
    return {};
  }
}

/** Without any word on it alpha equals the rank, as diffusers assumes. */
export function readAlphas(metadata: Record<string, string>): AlphaRule {
  const folded = Number(metadata[foldedKey] ?? 1), foldedScale = Number.isFinite(folded) && folded > 0 ? folded : 1, config = adapterConfig(metadata);
  return { foldedScale, alphaOf: (name, rank) => peftAlpha(config, name) ?? rank * foldedScale };
}

const stability = 'https://github.com/Stability-AI/generative-models', diffusers = 'https://github.com/huggingface/diffusers';

/** ss_* as sd-scripts writes them (texts; "None" for what was not set) and modelspec.*. */
export function loraMetadata(lora: LoraWeights, form: LoraForm, d: LoraDescription): Record<string, string> {
  const python = (v: string | number | boolean | null | undefined): string => v === null || v === undefined ? 'None' : typeof v === 'boolean' ? (v ? 'True' : 'False') : String(v);
  const training = Object.entries(d.training ?? {}).map(([k, v]) => [`ss_${k}`, python(v)] as const);
  return {
    ss_network_module: 'networks.lora', ss_network_dim: String(lora.rank), ss_network_alpha: String(lora.alpha), ss_output_name: d.title,
    ss_base_model_version: d.kind === 'sdxl' ? 'sdxl_base_v1-0' : 'sd_v1', ss_v2: 'False', ss_resolution: `(${d.resolution.join(', ')})`,
    ...(d.baseModel === undefined ? {} : { ss_sd_model_name: d.baseModel }), ...Object.fromEntries(training),
    ...modelSpec(d, form === 'kohya' && d.kind === 'sdxl' ? stability : diffusers, true),
  };
}
