/** One weight of a model, wherever and however it is stored, in the layout and number format that is asked for. */
import { AppError } from '../../contract/errors.ts';
import { bytesPerElement, bytesToHalfBits, firstNonFinite, floatToBytes, floatToHalf, halfToFloat, isHalf, type Dtype, type FloatDtype } from './dtype.ts';
import { tfjsShape, toTfjsLayout, toTorchLayout } from './layout.ts';
import type { SafetensorsFile } from './safetensors.ts';

/** `shape` is PyTorch's, as diffusers and transformers have it; `rows` (of a fused tensor) and `transposed` say how the file deviates. */
export interface StoredWeight { name: string; shape: number[]; dtype: Dtype; file: SafetensorsFile; key: string; rows?: [first: number, count: number]; transposed?: true }

const notFinite = (w: StoredWeight, index: number, value: number): AppError =>
  new AppError('model.nan_weights', `${w.file.path}: tensor "${w.key}" contains ${Number.isNaN(value) ? 'NaN, which is not a number' : `an infinite value (${value})`}, at position ${index}.`,
    'The model is broken, often by a merge or by saving in half precision. Use another copy or version of it.', { path: w.file.path, tensor: w.key, weight: w.name, index });

function checkFinite(w: StoredWeight, values: Float32Array): Float32Array {
  const index = firstNonFinite(values);
  if (index >= 0) throw notFinite(w, index, values[index]!);
  return values;
}

/** Index of the first NaN or infinity among half bits, or -1. */
function firstNonFiniteHalf(bits: Uint16Array, dtype: 'F16' | 'BF16'): number {
  const exponent = dtype === 'F16' ? 0x7c00 : 0x7f80;
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponent) === exponent) return i;
  return -1;
}

/** Reads the weight and looks at every value. Throws model.nan_weights where one is not finite. */
export async function checkValues(w: StoredWeight): Promise<void> {
  if (!isHalf(w.dtype)) { checkFinite(w, await w.file.readFloat(w.key, w.rows)); return; }
  const bits = bytesToHalfBits(await w.file.readBytes(w.key, w.rows)), index = firstNonFiniteHalf(bits, w.dtype);
  if (index >= 0) throw notFinite(w, index, halfToFloat(bits.subarray(index, index + 1), w.dtype)[0]!);
}

/** float32 values in tfjs layout with their tfjs shape. Throws model.nan_weights where one is not finite. */
export async function readValues(w: StoredWeight): Promise<{ shape: number[]; data: Float32Array }> {
  const stored = checkFinite(w, await w.file.readFloat(w.key, w.rows));
  return { shape: tfjsShape(w.name, w.shape), data: w.transposed ? stored : toTfjsLayout(w.name, w.shape, stored) };
}

/** Half bits in tfjs layout, without a float32 copy where the file has that format already. Throws model.nan_weights. */
export async function readHalfBits(w: StoredWeight, dtype: 'F16' | 'BF16'): Promise<{ shape: number[]; data: Uint16Array }> {
  if (w.dtype !== dtype) {
    const { shape, data } = await readValues(w);
    return { shape, data: floatToHalf(data, dtype) };
  }
  const bits = bytesToHalfBits(await w.file.readBytes(w.key, w.rows)), index = firstNonFiniteHalf(bits, dtype);
  if (index >= 0) throw notFinite(w, index, halfToFloat(bits.subarray(index, index + 1), w.dtype)[0]!);
  return { shape: tfjsShape(w.name, w.shape), data: w.transposed ? bits : toTfjsLayout(w.name, w.shape, bits) };
}

/** The weight's bytes in PyTorch layout: as stored, or converted to `dtype`. What files are written and hashed from. */
export async function readTorchBytes(w: StoredWeight, dtype?: FloatDtype): Promise<Uint8Array> {
  const same = dtype === undefined || dtype === w.dtype;
  if (same && !w.transposed) return w.file.readBytes(w.key, w.rows);
  if (same && isHalf(w.dtype)) {
    const turned = toTorchLayout(w.name, w.shape, bytesToHalfBits(await w.file.readBytes(w.key, w.rows)));
    return new Uint8Array(turned.buffer, turned.byteOffset, turned.byteLength);
  }
  const values = await w.file.readFloat(w.key, w.rows);
  return floatToBytes(w.transposed ? toTorchLayout(w.name, w.shape, values) : values, dtype ?? 'F32');
}

/** Bytes of the weight as stored. */
export const storedBytes = (w: StoredWeight): number => w.shape.reduce((a, b) => a * b, 1) * bytesPerElement[w.dtype];
