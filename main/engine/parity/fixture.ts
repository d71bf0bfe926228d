/** Reading parity fixtures: tensors as PyTorch has them, and as the engine wants them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostTensor } from '../backend/executor.ts';
import { tfjsShape, toTfjsLayout } from '../checkpoint/layout.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';

const WEIGHT_FILES = { unet: 'diffusion_pytorch_model', vae: 'diffusion_pytorch_model', text_encoder: 'model', text_encoder_2: 'model' };
/** Config and weights of a component, relative to the folder. */
export const componentFiles = (component: keyof typeof WEIGHT_FILES): string[] => [`tiny-sdxl/${component}/config.json`, `tiny-sdxl/${component}/${WEIGHT_FILES[component]}.safetensors`];
/** Of the whole model: all that a folder of diffusers' layout has. */
export const MODEL_FILES: string[] = ['tiny-sdxl/model_index.json', ...(['unet', 'vae', 'text_encoder', 'text_encoder_2'] as const).flatMap(componentFiles), ...['tokenizer', 'tokenizer_2'].flatMap((t) => [`tiny-sdxl/${t}/vocab.json`, `tiny-sdxl/${t}/merges.txt`])];

export interface FloatTensor { shape: number[]; data: Float32Array }
export type Weights = Map<string, FloatTensor>;

async function readTensors(path: string, convert: (name: string, shape: number[], data: Float32Array) => FloatTensor): Promise<Weights> {
  const file = await SafetensorsFile.open(path);
  try {
    const all: Weights = new Map();
    for (const [name, { shape, dtype }] of file.tensors) {
      all.set(name, convert(name, [...shape], dtype === 'I64' ? bigToFloat(await file.readBytes(name)) : await file.readFloat(name)));
    }
    return all;
  } finally {
    await file.close();
  }
}

const bigToFloat = (bytes: Uint8Array): Float32Array => Float32Array.from(new BigInt64Array(bytes.slice().buffer), Number);

/** Every tensor of DIR/NAME.safetensors in PyTorch's layout. */
export const readFixture = (dir: string, name: string): Promise<Weights> =>
  readTensors(join(dir, `${name}.safetensors`), (_, shape, data) => ({ shape, data }));

/** Every weight of a safetensors file in tfjs layout. */
export const readWeights = (path: string): Promise<Weights> =>
  readTensors(path, (name, shape, data) => ({ shape: tfjsShape(name, shape), data: toTfjsLayout(name, shape, data) }));

export const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));

/** Whether the folder's model has two text encoders: as its model_index.json says; SDXL's two where there is none. */
export async function hasSecondEncoder(dir: string): Promise<boolean> {
  const index = await readJson(join(dir, 'tiny-sdxl', 'model_index.json')).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return null; throw error; });
  return index === null || Object.hasOwn(index as object, 'text_encoder_2');
}

/** [N,C,H,W] -> [N,H,W,C]. */
export function toNhwc({ shape, data }: FloatTensor): FloatTensor {
  const [n, c, h, w] = shape as [number, number, number, number];
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++) for (let k = 0; k < c; k++) for (let p = 0; p < h * w; p++) out[(i * h * w + p) * c + k] = data[(i * c + k) * h * w + p]!;
  return { shape: [n, h, w, c], data: out };
}

/** Largest absolute difference over the expected tensor's largest absolute value. NaN anywhere, or another size, gives Infinity. */
export function relativeError(actual: HostTensor, expected: FloatTensor): number {
  if (actual.data.length !== expected.data.length) return Infinity;
  let difference = 0, scale = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const d = Math.abs(actual.data[i]! - expected.data[i]!);
    if (Number.isNaN(d)) return Infinity;
    difference = Math.max(difference, d);
    scale = Math.max(scale, Math.abs(expected.data[i]!));
  }
  return difference / (scale || 1);
}
