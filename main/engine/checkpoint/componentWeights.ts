/** The weights of one component from files that already use diffusers' or transformers' names. */
import { canonicalClipName } from './keyMapping/clip.ts';
import type { ComponentName } from './keyMapping/original.ts';
import { isVaeAttentionMatrix, modernVaeName } from './keyMapping/vae.ts';
import type { StoredWeight } from './readWeight.ts';
import type { SafetensorsFile } from './safetensors.ts';

/** Buffers that old files carry along and that are computed anyway. */
export const isBuffer = (name: string): boolean => /(^|\.)position_ids$|(^|\.)logit_scale$/.test(name);

const canonicalName = (component: ComponentName, key: string): string =>
  component === 'vae' ? modernVaeName(key) : component === 'unet' ? key : canonicalClipName(key);

/** Linear maps of the VAE's attention that a file stores as 1×1 convolutions, as matrices. */
export const canonicalShape = (name: string, shape: number[]): number[] => isVaeAttentionMatrix(name) ? shape.slice(0, 2) : shape;

export function diffusersWeights(component: ComponentName, files: SafetensorsFile[]): Map<string, StoredWeight> {
  const weights = new Map<string, StoredWeight>();
  for (const file of files) for (const info of file.tensors.values()) {
    if (isBuffer(info.name)) continue;
    const name = canonicalName(component, info.name);
    weights.set(name, { name, shape: canonicalShape(name, info.shape), dtype: info.dtype, file, key: info.name });
  }
  return weights;
}
