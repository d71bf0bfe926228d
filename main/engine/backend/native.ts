/** Tensors in TensorFlow's own memory, handled through the binding by id. Whoever holds an id deletes it. */
import type { HostArray, StorageDtype } from './executor.ts';
import { DT, type NativeBinding, type NativeTensor } from './nodeBinding.ts';

const ATTR_BOOL = 3, ATTR_TYPE = 4; // TF_AttrType in tensorflow/c/tf_attrtype.h
const typeAttr = (name: string, value: number): { name: string; type: number; value: number } => ({ name, type: ATTR_TYPE, value });
export const storageEnum = (dtype: StorageDtype): number => ({ float32: DT.float, float16: DT.half, bfloat16: DT.bfloat16, uint8: DT.uint8 })[dtype];

/**
 * Copies host values into TensorFlow's memory. The copy matters: the binding shares JavaScript's buffer, which a TensorFlow
 * thread may not release, and a variable keeps what it is assigned.
 */
export function toNative(binding: NativeBinding, data: HostArray, shape: number[], dtype: StorageDtype | 'int32'): NativeTensor {
  const isInt = data instanceof Int32Array;
  const shared = binding.createTensor(shape, isInt ? DT.int32 : DT.float, data);
  try {
    if (isInt || dtype === 'float32' || dtype === 'int32') {
      return binding.executeOp('DeepCopy', [typeAttr('T', isInt ? DT.int32 : DT.float)], [shared], 1)[0]!;
    }
    return castNative(binding, shared, DT.float, storageEnum(dtype));
  } finally { binding.deleteTensor(shared); }
}

/** A new tensor with the values of tensor `id` in another dtype. */
export function castNative(binding: NativeBinding, id: number, from: number, to: number): NativeTensor {
  const attrs = [typeAttr('SrcT', from), typeAttr('DstT', to), { name: 'Truncate', type: ATTR_BOOL, value: false }];
  return binding.executeOp('Cast', attrs, [id], 1)[0]!;
}

/** Zeros, made in TensorFlow's memory. */
export function nativeZeros(binding: NativeBinding, shape: number[], dtype: StorageDtype): NativeTensor {
  const dims = binding.createTensor([shape.length], DT.int32, Int32Array.from(shape));
  const zero = binding.createTensor([], DT.float, Float32Array.of(0));
  const made = [dims, zero];
  try {
    const value = dtype === 'float32' ? zero : castNative(binding, zero, DT.float, storageEnum(dtype)).id;
    if (value !== zero) made.push(value);
    return binding.executeOp('Fill', [typeAttr('T', storageEnum(dtype)), typeAttr('index_type', DT.int32)], [dims, value], 1)[0]!;
  } finally { made.forEach((id) => binding.deleteTensor(id)); }
}

/** The values of a float32, int32 or bool tensor, copied to the host; the tensor is deleted. */
export function takeNative(binding: NativeBinding, tensor: NativeTensor): HostArray {
  try {
    const data = binding.tensorDataSync(tensor.id);
    return data instanceof Uint8Array ? Int32Array.from(data) : data;
  } finally { binding.deleteTensor(tensor.id); }
}
