/** Writes the finished weights as a diffusers folder in half precision. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { floatToBytes } from '../../main/engine/checkpoint/dtype.ts';
import { torchShape, toTorchLayout } from '../../main/engine/checkpoint/layout.ts';
import { writeSafetensors } from '../../main/engine/checkpoint/writeSafetensors.ts';
import type { WeightShapes } from '../../main/engine/models/weightShapes.ts';

export interface Component { folder: string; config: object; shapes: WeightShapes; weight(name: string): Float32Array }

/** One component's config.json and weights, PyTorch layout, float16. */
export async function writeComponent(root: string, { folder, config, shapes, weight }: Component): Promise<void> {
  const dir = join(root, folder);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const file = folder.startsWith('text') || folder === '.' ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';
  await writeSafetensors(join(dir, file), Object.entries(shapes).map(([name, shape]) => ({
    name, dtype: 'F16' as const, shape: torchShape(name, shape), bytes: () => floatToBytes(toTorchLayout(name, torchShape(name, shape), weight(name)), 'F16'),
  })), { format: 'pt' });
}

/** model_index.json and scheduler. */
export function writeIndex(root: string, scheduler: object): void {
  mkdirSync(join(root, 'scheduler'), { recursive: true });
  writeFileSync(join(root, 'scheduler', 'scheduler_config.json'), `${JSON.stringify(scheduler, null, 2)}\n`);
  writeFileSync(join(root, 'model_index.json'), `${JSON.stringify({
    _class_name: 'StableDiffusionXLPipeline', _diffusers_version: '0.42.1', force_zeros_for_empty_prompt: false,
    scheduler: ['diffusers', 'EulerDiscreteScheduler'], text_encoder: ['transformers', 'CLIPTextModel'], text_encoder_2: ['transformers', 'CLIPTextModelWithProjection'],
    tokenizer: ['transformers', 'CLIPTokenizer'], tokenizer_2: ['transformers', 'CLIPTokenizer'], unet: ['diffusers', 'UNet2DConditionModel'], vae: ['diffusers', 'AutoencoderKL'],
  }, null, 2)}\n`);
}
