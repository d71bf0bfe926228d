/** Writes LoRA files in any naming form, with hashes in their metadata, and reads them back. */
import { createHash } from 'node:crypto';
import { AppError } from '../../../contract/errors.ts';
import { floatToBytes, type FloatDtype } from '../dtype.ts';
import { torchShape, toTorchLayout } from '../layout.ts';
import type { ComponentConfig, ModelKind } from '../keyMapping/original.ts';
import { sdxlStructure, unetRenamer, unetStructure } from '../keyMapping/unet.ts';
import { fileOrder, headerBytes, verifyWritten, writeSafetensors, type TensorToWrite, type WrittenFile } from '../writeSafetensors.ts';
import { foldedMetadata, loraMetadata, type LoraDescription } from './loraMetadata.ts';
import { toKohya, type LoraForm } from './loraNames.ts';
import { readLora } from './readLora.ts';
import { checkDeltas, deltaNorm, eachLayer, scaleOf, type LoraLayer, type LoraMatrix, type LoraWeights } from './loraWeights.ts';

export interface WriteLoraOptions { form: LoraForm; dtype: FloatDtype; description: LoraDescription; /** the base model's UNet config; SDXL's structure where it is left out */ unetConfig?: ComponentConfig | undefined }

function matrixTensor(name: string, { shape, data }: LoraMatrix, dtype: FloatDtype, factor = 1): TensorToWrite {
  const target = torchShape(name, shape), values = factor === 1 ? data : data.map((v) => v * factor);
  return { name, dtype, shape: target, bytes: () => floatToBytes(toTorchLayout(name, target, values), dtype) };
}

function kohyaTensors(lora: LoraWeights, form: 'kohya' | 'kohya-diffusers', kind: ModelKind, o: WriteLoraOptions): TensorToWrite[] {
  const unet = unetRenamer(o.unetConfig ? unetStructure(o.unetConfig) : sdxlStructure);
  return [...eachLayer(lora)].flatMap(([component, layer, w]) => {
    const name = toKohya({ component, layer }, form, kind, unet);
    if (name === undefined) throw new AppError('lora.unknown_layers', `The layer ${component}/${layer} has no name in kohya's form.`, 'Export in diffusers\' form instead.', { component, layer });
    const alpha: TensorToWrite = { name: `${name}.alpha`, dtype: o.dtype, shape: [], bytes: () => floatToBytes(Float32Array.of(w.alpha), o.dtype) };
    return [matrixTensor(`${name}.lora_down.weight`, w.down, o.dtype), matrixTensor(`${name}.lora_up.weight`, w.up, o.dtype), alpha];
  });
}

/** diffusers' readers take alpha for the rank: each layer's scale is folded into its up matrix. */
const diffusersTensors = (lora: LoraWeights, dtype: FloatDtype): TensorToWrite[] =>
  [...eachLayer(lora)].flatMap(([component, layer, w]) => [matrixTensor(`${component}.${layer}.lora_A.weight`, w.down, dtype), matrixTensor(`${component}.${layer}.lora_B.weight`, w.up, dtype, scaleOf(w))]);

/** The scale that all layers share, to be noted and undone on reading; 1 where they differ (then it stays folded). */
function commonScale(lora: LoraWeights): number {
  const scales = new Set([...eachLayer(lora)].map(([, , w]) => scaleOf(w)));
  const [only] = scales;
  return scales.size === 1 && only !== undefined && only > 0 ? only : 1;
}

/**
 * Hashes by which web UIs recognise a LoRA. sshs_model_hash: sha256 of the data. sshs_legacy_hash: of 64 KiB at 1 MiB in the
 * file as it would be with only the ss_* metadata, 8 digits. modelspec.hash_sha256: the first with 0x.
 */
async function hashes(tensors: TensorToWrite[], metadata: Record<string, string>): Promise<Record<string, string>> {
  const ordered = fileOrder(tensors), data = createHash('sha256'), legacy = createHash('sha256');
  let position = 0;
  const add = (bytes: Uint8Array) => {
    legacy.update(bytes.subarray(Math.max(0, 0x100000 - position), Math.max(0, 0x110000 - position)));
    position += bytes.byteLength;
  };
  add(headerBytes(ordered, Object.fromEntries(Object.entries(metadata).filter(([k]) => k.startsWith('ss_')))));
  for (const t of ordered) {
    const bytes = await t.bytes();
    data.update(bytes);
    add(bytes);
  }
  const hash = data.digest('hex');
  return { sshs_model_hash: hash, sshs_legacy_hash: legacy.digest('hex').slice(0, 8), 'modelspec.hash_sha256': `0x${hash}` };
}

const halfPrecision: Record<FloatDtype, number> = { F32: 1e-5, F16: 2e-2, BF16: 5e-2 };

/** The file again, as a LoRA: every layer there, and its change as large as it was, up to rounding. */
async function readBack(temp: string, path: string, lora: LoraWeights, o: WriteLoraOptions): Promise<void> {
  const again = await readLora(temp, o.unetConfig);
  checkDeltas(again, path);
  const largest = checkDeltas(lora, 'The LoRA');
  for (const [component, name, layer] of eachLayer(lora)) {
    const copy: LoraLayer | undefined = again.layers.get(component)?.get(name), norm = deltaNorm(layer);
    if (copy && Math.abs(deltaNorm(copy) - norm) <= halfPrecision[o.dtype] * norm + 1e-3 * largest) continue;
    throw new AppError('file.readback', `${path}: its layer ${component}/${name} reads back differently after writing.`,
      o.dtype === 'F32' ? 'The disk may be failing. Export again, to another disk.' : 'Its values may be too large or too small for half precision. Export in full precision.', { path, component, layer: name });
  }
}

/**
 * Writes `lora`, reads it back and compares before it takes its place. Throws lora.not_finite and lora.all_zero before anything is written;
 * lora.unknown_layers, disk.full, file.readback.
 */
export async function writeLora(path: string, lora: LoraWeights, options: WriteLoraOptions): Promise<WrittenFile> {
  checkDeltas(lora, 'The LoRA');
  const { form, description } = options;
  const tensors = form === 'diffusers' ? diffusersTensors(lora, options.dtype) : kohyaTensors(lora, form, description.kind, options);
  const texts = { ...loraMetadata(lora, form, description), ...(form === 'diffusers' ? { format: 'pt', ...foldedMetadata(commonScale(lora)) } : {}) };
  return writeSafetensors(path, tensors, { ...texts, ...await hashes(tensors, texts) }, undefined, async (file) => {
    await verifyWritten(file, tensors);
    await readBack(file.path, path, lora, options);
  });
}
