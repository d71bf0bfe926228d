/** A small random model of either kind, written as a diffusers folder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floatToBytes, type FloatDtype } from '../../main/engine/checkpoint/dtype.ts';
import { expectedShapes } from '../../main/engine/checkpoint/expectedShapes.ts';
import { torchShape } from '../../main/engine/checkpoint/layout.ts';
import type { ComponentName, ModelKind } from '../../main/engine/checkpoint/modelSource.ts';
import { writeSafetensors } from '../../main/engine/checkpoint/writeSafetensors.ts';

const clip = (hidden: number, extra: object) => ({ vocab_size: 50, hidden_size: hidden, intermediate_size: 2 * hidden, num_hidden_layers: 2, num_attention_heads: 2, max_position_embeddings: 77, hidden_act: 'gelu', projection_dim: 8, initializer_factor: 1, ...extra });
const vae = { _class_name: 'AutoencoderKL', block_out_channels: [4, 8], layers_per_block: 1, norm_num_groups: 4, latent_channels: 4, down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'], up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'], scaling_factor: 0.13025 };
const unet = { _class_name: 'UNet2DConditionModel', block_out_channels: [4, 8], layers_per_block: 1, norm_num_groups: 4, down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'], up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'], attention_head_dim: 2 };

export const tinyConfigs: Record<ModelKind, Partial<Record<ComponentName, Record<string, unknown>>>> = {
  sdxl: {
    unet: { ...unet, cross_attention_dim: 20, use_linear_projection: true, transformer_layers_per_block: [1, 2], addition_embed_type: 'text_time', addition_time_embed_dim: 4, projection_class_embeddings_input_dim: 32 },
    vae, text_encoder: clip(8, {}), text_encoder_2: clip(12, { architectures: ['CLIPTextModelWithProjection'] }),
  },
  sd15: { unet: { ...unet, cross_attention_dim: 8, use_linear_projection: false }, vae: { ...vae, scaling_factor: 0.18215 }, text_encoder: clip(8, {}) },
};

export type Tensors = Map<string, { shape: number[]; data: Float32Array }>;

/** The weights that `config` asks for, in PyTorch layout; small integers, which half precision holds exactly. */
export function randomWeights(component: ComponentName, config: Record<string, unknown>, seed = 1): Tensors {
  let state = seed;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648);
  return new Map(Object.entries(expectedShapes(component, config)).map(([name, tfjs]) => {
    const shape = torchShape(name, tfjs);
    return [name, { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => ((next() >> 8) % 201) - 100) }] as const;
  }));
}

export const writeTensors = (path: string, tensors: Tensors, dtype: FloatDtype = 'F32') =>
  writeSafetensors(path, [...tensors].map(([name, { shape, data }]) => ({ name, dtype, shape, bytes: () => floatToBytes(data, dtype) })), { format: 'pt' });

export const weightFile = (c: ComponentName): string => c.startsWith('text_encoder') ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';

/** Folders that stand for tokenizers: the tiny encoders do not have CLIP's own vocabulary. */
export async function writeTokenizers(folder: string): Promise<void> {
  for (const name of ['tokenizer', 'tokenizer_2']) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'vocab.json'), '{}');
  }
}

/** Writes the folder; returns its weights by component. */
export async function writeTiny(folder: string, kind: ModelKind, dtype: FloatDtype = 'F32'): Promise<Map<ComponentName, Tensors>> {
  const all = new Map<ComponentName, Tensors>();
  for (const [name, config] of Object.entries(tinyConfigs[kind])) {
    const component = name as ComponentName, tensors = randomWeights(component, config, name.length);
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'config.json'), JSON.stringify(config));
    await writeTensors(join(folder, name, weightFile(component)), tensors, dtype);
    all.set(component, tensors);
  }
  await writeTokenizers(folder);
  const pipeline = kind === 'sdxl' ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline';
  await writeFile(join(folder, 'model_index.json'), JSON.stringify({ _class_name: pipeline, text_encoder: ['transformers', 'CLIPTextModel'] }));
  return all;
}
