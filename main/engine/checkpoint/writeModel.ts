/** Writes a whole model, with or without trained weights in place of its own, in both layouts. */
import { AppError } from '../../contract/errors.ts';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { floatToBytes, isHalf, type Dtype, type FloatDtype } from './dtype.ts';
import { originalLayout, type ComponentName, type Place } from './keyMapping/original.ts';
import type { Numbering } from './keyMapping/unet.ts';
import { isVaeAttentionMatrix } from './keyMapping/vae.ts';
import { toTorchLayout } from './layout.ts';
import type { ModelSource } from './modelSource.ts';
import { architectures } from './modelSpec.ts';
import { configMetadataKey } from './openSingleFile.ts';
import { readTorchBytes, readValues, type StoredWeight } from './readWeight.ts';
import { verifyWritten, writeSafetensors, type TensorToWrite, type WrittenFile } from './writeSafetensors.ts';

/** New values of a weight in tfjs layout, or undefined to keep the model's own. Asked once per weight, when its turn comes. */
export type WeightOverride = (component: ComponentName, name: string) => Float32Array | undefined | Promise<Float32Array | undefined>;
export interface WriteOptions {
  /** Left out: every tensor keeps the format it has (new values get the format of what they replace). */
  dtype?: FloatDtype | undefined;
  override?: WeightOverride | undefined;
  metadata?: Record<string, string> | undefined;
  /** of the UNet's blocks in a single file; default dense, which diffusers and ComfyUI read */
  numbering?: Numbering | undefined;
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The format `w` is written in. Integer or double weights, which nobody publishes, become float32. */
const targetDtype = (w: StoredWeight, wanted: FloatDtype | undefined): FloatDtype => wanted ?? (isHalf(w.dtype) ? w.dtype : 'F32');

async function weightBytes(component: ComponentName, w: StoredWeight, o: WriteOptions): Promise<Uint8Array> {
  const values = await o.override?.(component, w.name), dtype = targetDtype(w, o.dtype);
  if (!values) return readTorchBytes(w, dtype);
  return floatToBytes(toTorchLayout(w.name, w.shape, values), dtype);
}

/** text_projection lies transposed in single files: its tfjs layout as it is. */
async function transposedBytes(component: ComponentName, w: StoredWeight, o: WriteOptions): Promise<Uint8Array> {
  return floatToBytes(await o.override?.(component, w.name) ?? (await readValues(w)).data, targetDtype(w, o.dtype));
}

function originalTensor(component: ComponentName, place: Place, parts: StoredWeight[], o: WriteOptions): TensorToWrite {
  const w = parts[0]!, dtype: Dtype = targetDtype(w, o.dtype), [rows, ...rest] = w.shape as [number, ...number[]];
  if (place.transposed) return { name: place.key, dtype, shape: [...w.shape].reverse(), bytes: () => transposedBytes(component, w, o) };
  const shape = place.part !== undefined ? [3 * rows, ...rest] : isVaeAttentionMatrix(w.name) ? [rows, ...rest, 1, 1] : w.shape;
  const bytes = async () => {
    const pieces: Uint8Array[] = [];
    for (const part of parts) pieces.push(await weightBytes(component, part, { ...o, dtype }));
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  };
  return { name: place.key, dtype, shape, bytes };
}

/** The tensors of the single file that holds `source`. Throws model.not_supported for names that the original layout has no place for. */
function originalTensors(source: ModelSource, o: WriteOptions): TensorToWrite[] {
  const layout = originalLayout(source.kind, source.configs, o.numbering), tensors: TensorToWrite[] = [];
  for (const component of source.components) {
    const fused = new Map<string, StoredWeight[]>();
    for (const w of source.weights(component).values()) {
      const place = layout.placeOf(component, w.name);
      if (!place) throw new AppError('model.not_supported', `The weight ${component}/${w.name} has no place in a single-file checkpoint.`, 'Export a diffusers folder instead.', { component, weight: w.name });
      if (place.part === undefined) { tensors.push(originalTensor(component, place, [w], o)); continue; }
      const parts = fused.get(place.key) ?? [];
      parts[place.part] = w;
      fused.set(place.key, parts);
    }
    for (const [key, parts] of fused) tensors.push(originalTensor(component, { key, part: 0 }, parts, o));
  }
  return tensors;
}

/** Writes one original-layout .safetensors file and reads it back. It carries the configs, so that it opens here whatever its shape. */
export async function writeSingleFile(path: string, source: ModelSource, options: WriteOptions = {}): Promise<WrittenFile> {
  const tensors = originalTensors(source, options);
  const metadata = { format: 'pt', 'modelspec.sai_model_spec': '1.0.0', 'modelspec.architecture': architectures[source.kind], ...options.metadata, [configMetadataKey]: JSON.stringify(source.configs) };
  return writeSafetensors(path, tensors, metadata, options.onProgress, (file) => verifyWritten(file, tensors));
}

const weightFileName = (component: ComponentName): string => component.startsWith('text_encoder') ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';
/** Fields that transformers insists on reading as floats, which JavaScript writes as "1". */
const floatFields = /"(initializer_factor|initializer_range|attention_dropout|dropout|layer_norm_eps|norm_eps)": (-?\d+)(?=,?\n)/g;
const writeJson = (path: string, value: unknown): Promise<void> => writeFile(path, `${JSON.stringify(value, null, 2)}\n`.replace(floatFields, '"$1": $2.0'));

/** model_index.json, as diffusers needs it to load the folder. */
function modelIndex(source: ModelSource): Record<string, unknown> {
  const xl = source.kind === 'sdxl', scheduler = String(source.scheduler['_class_name'] ?? 'EulerDiscreteScheduler');
  return {
    _class_name: xl ? 'StableDiffusionXLPipeline' : 'StableDiffusionPipeline', _diffusers_version: '0.30.0',
    ...(xl ? { force_zeros_for_empty_prompt: true } : { safety_checker: [null, null], feature_extractor: [null, null], requires_safety_checker: false }),
    scheduler: ['diffusers', scheduler], text_encoder: ['transformers', 'CLIPTextModel'], tokenizer: ['transformers', 'CLIPTokenizer'],
    ...(xl ? { text_encoder_2: ['transformers', 'CLIPTextModelWithProjection'], tokenizer_2: ['transformers', 'CLIPTokenizer'] } : {}),
    unet: ['diffusers', 'UNet2DConditionModel'], vae: ['diffusers', 'AutoencoderKL'],
  };
}

async function copyTokenizers(source: ModelSource, folder: string, writeBuiltin: BuiltinTokenizerWriter): Promise<void> {
  for (const [name, tokenizer] of Object.entries(source.tokenizers)) {
    const target = join(folder, name);
    await mkdir(target, { recursive: true });
    if (tokenizer.kind === 'builtin') await writeBuiltin(target, tokenizer.padToken);
    else for (const file of await readdir(tokenizer.folder)) if (/\.(json|txt)$/.test(file)) await copyFile(join(tokenizer.folder, file), join(target, file));
  }
}
/** Writes CLIP's vocabulary as a tokenizer folder; the caller knows where the built-in one is. */
export type BuiltinTokenizerWriter = (folder: string, padToken: string) => Promise<void>;

async function writeComponents(source: ModelSource, folder: string, o: WriteOptions): Promise<WrittenFile[]> {
  const written: WrittenFile[] = [];
  for (const component of source.components) {
    await mkdir(join(folder, component), { recursive: true });
    await writeJson(join(folder, component, 'config.json'), source.config(component));
    const tensors = [...source.weights(component).values()].map((w): TensorToWrite => ({ name: w.name, dtype: targetDtype(w, o.dtype), shape: w.shape, bytes: () => weightBytes(component, w, o) }));
    const path = join(folder, component, weightFileName(component));
    written.push(await writeSafetensors(path, tensors, { format: 'pt', ...o.metadata }, o.onProgress, (file) => verifyWritten(file, tensors)));
  }
  return written;
}

/**
 * Writes a diffusers folder, which diffusers' from_pretrained loads. It is built under a temporary name beside `folder`,
 * which must not exist yet. Throws file.exists, disk.full.
 */
export async function writeFolder(folder: string, source: ModelSource, writeBuiltin: BuiltinTokenizerWriter, options: WriteOptions = {}): Promise<WrittenFile[]> {
  const taken = await readdir(folder).catch(() => []);
  if (taken.length) throw new AppError('file.exists', `${folder} exists and is not empty.`, 'Choose another name; nothing was overwritten.', { path: folder });
  const temp = `${folder}.tmp-${process.pid}`;
  try {
    await mkdir(join(temp, 'scheduler'), { recursive: true });
    const written = await writeComponents(source, temp, options);
    await copyTokenizers(source, temp, writeBuiltin);
    await writeJson(join(temp, 'scheduler', 'scheduler_config.json'), source.scheduler);
    await writeJson(join(temp, 'model_index.json'), modelIndex(source));
    await rm(folder, { recursive: true, force: true });
    await rename(temp, folder);
    return written.map((w) => ({ ...w, path: w.path.replace(temp, folder) }));
  } catch (error) {
    await rm(temp, { recursive: true, force: true });
    throw error;
  }
}
