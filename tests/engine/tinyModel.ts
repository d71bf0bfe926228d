/** A random SDXL-shaped model, much smaller than the parity fixture, written as a diffusers folder: for tests that train. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expectedShapes } from '../../main/engine/checkpoint/expectedShapes.ts';
import { floatToBytes } from '../../main/engine/checkpoint/dtype.ts';
import { torchShape, toTorchLayout } from '../../main/engine/checkpoint/layout.ts';
import type { ComponentName } from '../../main/engine/checkpoint/modelSource.ts';
import { writeSafetensors } from '../../main/engine/checkpoint/writeSafetensors.ts';
import { initWeights } from '../../main/engine/models/init.ts';

const fixture = fileURLToPath(new URL('../fixtures/parity/tiny-sdxl', import.meta.url));
const text = (hidden: number, architecture: string, act: string) => ({
  architectures: [architecture], hidden_size: hidden, intermediate_size: 2 * hidden, num_hidden_layers: 2, num_attention_heads: 2, vocab_size: 1514,
  max_position_embeddings: 77, hidden_act: act, projection_dim: 16, eos_token_id: 2,
});
const configs: Record<ComponentName, Record<string, unknown>> = {
  unet: {
    _class_name: 'UNet2DConditionModel', block_out_channels: [16, 32], layers_per_block: 1, down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'], up_block_types: ['CrossAttnUpBlock2D', 'UpBlock2D'],
    cross_attention_dim: 32, transformer_layers_per_block: [1, 1], attention_head_dim: [1, 2], norm_num_groups: 8, use_linear_projection: true, addition_embed_type: 'text_time', addition_time_embed_dim: 8,
    projection_class_embeddings_input_dim: 16 + 48, in_channels: 4, out_channels: 4, sample_size: 8,
  },
  vae: {
    _class_name: 'AutoencoderKL', block_out_channels: [8, 8, 16, 16], layers_per_block: 1, norm_num_groups: 8, latent_channels: 4, scaling_factor: 0.13025, sample_size: 64,
    down_block_types: Array(4).fill('DownEncoderBlock2D'), up_block_types: Array(4).fill('UpDecoderBlock2D'),
  },
  text_encoder: text(16, 'CLIPTextModel', 'quick_gelu'), text_encoder_2: text(16, 'CLIPTextModelWithProjection', 'gelu'),
};

/** SD 1.5's shape: one text encoder, projections as convolutions, no size conditioning. */
const sd15Unet = { ...configs.unet, cross_attention_dim: 16, use_linear_projection: false, attention_head_dim: 2, addition_embed_type: null, addition_time_embed_dim: null, projection_class_embeddings_input_dim: null };
const sd15Index = {
  _class_name: 'StableDiffusionPipeline', scheduler: ['diffusers', 'DDIMScheduler'], text_encoder: ['transformers', 'CLIPTextModel'], tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'], vae: ['diffusers', 'AutoencoderKL'],
};
const configsOf = (kind: 'sdxl' | 'sd15'): Partial<typeof configs> => (kind === 'sdxl' ? configs : { unet: sd15Unet, vae: { ...configs.vae, scaling_factor: 0.18215 }, text_encoder: configs.text_encoder });

export interface TinyModelOptions { seed?: number; kind?: 'sdxl' | 'sd15'; /** may change the UNet's values */ spoil?: (unet: Map<string, Float32Array>) => void }

/** Writes the model into `folder`; the same options give the same model. */
export async function writeTinyModel(folder: string, { seed = 1, kind = 'sdxl', spoil }: TinyModelOptions = {}): Promise<string> {
  const parts = kind === 'sdxl' ? ['model_index.json', 'scheduler', 'tokenizer', 'tokenizer_2'] : ['scheduler', 'tokenizer'];
  for (const part of parts) cpSync(join(fixture, part), join(folder, part), { recursive: true });
  if (kind === 'sd15') writeFileSync(join(folder, 'model_index.json'), JSON.stringify(sd15Index));
  for (const [component, config] of Object.entries(configsOf(kind)) as [ComponentName, Record<string, unknown>][]) {
    mkdirSync(join(folder, component), { recursive: true });
    writeFileSync(join(folder, component, 'config.json'), JSON.stringify(config));
    const shapes = expectedShapes(component, config), weights = initWeights(shapes, seed);
    if (component === 'unet') spoil?.(weights);
    await writeSafetensors(join(folder, component, component.startsWith('text') ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors'), [...weights].map(([name, values]) => {
      const shape = torchShape(name, shapes[name]!);
      return { name, dtype: 'F32' as const, shape, bytes: () => floatToBytes(toTorchLayout(name, shape, values), 'F32') };
    }));
  }
  return folder;
}
