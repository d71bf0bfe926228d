/**
 * Number formats of safetensors files and conversions between them, a whole array at a time.
 *
 * float16: IEEE 754 binary16. bfloat16: the upper half of a float32. Narrowing rounds to nearest, ties to even.
 */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL' | 'U16' | 'U32' | 'U64' | 'F8_E4M3' | 'F8_E5M2';
/** The formats weights are written in. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

export const bytesPerElement: Record<Dtype, number> = {
  F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1, U16: 2, U32: 4, U64: 8, F8_E4M3: 1, F8_E5M2: 1,
};
export const isDtype = (s: unknown): s is Dtype => typeof s === 'string' && Object.hasOwn(bytesPerElement, s);
/** Formats that a model's weights are published in. */
export const isFloat = (d: Dtype): boolean => d === 'F64' || d === 'F32' || isHalf(d);
export const isHalf = (d: Dtype): d is 'F16' | 'BF16' => d === 'F16' || d === 'BF16';

let float16Values: Float32Array | undefined;
/** All 65,536 float16 values by their bits. */
function float16Table(): Float32Array {
  if (float16Values) return float16Values;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
    if (exponent === 31) table[bits] = fraction ? NaN : sign * Infinity;
    else table[bits] = sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  }
  return (float16Values = table);
}

/** Half bits → float32. */
export function halfToFloat(bits: Uint16Array, dtype: 'F16' | 'BF16'): Float32Array {
  const n = bits.length, out = new Float32Array(n);
  if (dtype === 'F16') {
    const table = float16Table();
    for (let i = 0; i < n; i++) out[i] = table[bits[i]!]!;
  } else {
    const words = new Uint32Array(out.buffer);
    for (let i = 0; i < n; i++) words[i] = bits[i]! << 16;
  }
  return out;
}

/** float32 bits → float16 bits; too large becomes infinity, as in PyTorch's .half(). */
function float16Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000, magnitude = word & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds above 65504
  if (magnitude >= 0x38800000) { // normal: rebias the exponent by 127 - 15, drop 13 bits
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  if (magnitude < 0x33000000) return sign; // below half the smallest subnormal
  const shift = 126 - (magnitude >>> 23), mantissa = (magnitude & 0x7fffff) | 0x800000; // in units of 2^-24
  const down = mantissa >>> shift, rest = mantissa & ((1 << shift) - 1), half = 1 << (shift - 1);
  return sign | (down + (rest > half || (rest === half && (down & 1)) ? 1 : 0));
}

const bfloat16Bits = (word: number): number =>
  (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : ((word + 0x7fff + ((word >>> 16) & 1)) >>> 16) & 0xffff;

/** float32 → half bits, rounded to nearest even. */
export function floatToHalf(values: Float32Array, dtype: 'F16' | 'BF16'): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length), out = new Uint16Array(values.length);
  if (dtype === 'F16') for (let i = 0; i < out.length; i++) out[i] = float16Bits(words[i]!);
  else for (let i = 0; i < out.length; i++) out[i] = bfloat16Bits(words[i]!);
  return out;
}

/** A file's bytes as the typed array of 1-, 2- or 4-byte elements, copied only where the alignment asks for it. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}

/** Raw half bits of a file's bytes (little-endian, as every machine this runs on). */
export function bytesToHalfBits(bytes: Uint8Array): Uint16Array {
  const b = aligned(bytes, 2);
  return new Uint16Array(b.buffer, b.byteOffset, b.byteLength / 2);
}

const integerReaders: Partial<Record<Dtype, (v: DataView, offset: number) => number>> = {
  F64: (v, o) => v.getFloat64(o, true), I64: (v, o) => Number(v.getBigInt64(o, true)), I32: (v, o) => v.getInt32(o, true),
  I16: (v, o) => v.getInt16(o, true), I8: (v, o) => v.getInt8(o), U8: (v, o) => v.getUint8(o), BOOL: (v, o) => v.getUint8(o),
  U16: (v, o) => v.getUint16(o, true), U32: (v, o) => v.getUint32(o, true), U64: (v, o) => Number(v.getBigUint64(o, true)),
};

/** A file's bytes as float32 values. Returns undefined for formats that are not read (8-bit floats). */
export function bytesToFloat(bytes: Uint8Array, dtype: Dtype): Float32Array | undefined {
  if (dtype === 'F32') {
    const b = aligned(bytes, 4);
    return new Float32Array(b.buffer, b.byteOffset, b.byteLength / 4);
  }
  if (isHalf(dtype)) return halfToFloat(bytesToHalfBits(bytes), dtype);
  const read = integerReaders[dtype];
  if (!read) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), size = bytesPerElement[dtype];
  return Float32Array.from({ length: bytes.byteLength / size }, (_, i) => read(view, i * size));
}

/** float32 values as the bytes of `dtype`; F32 shares memory with its input. */
export function floatToBytes(values: Float32Array, dtype: FloatDtype): Uint8Array {
  const array = dtype === 'F32' ? values : floatToHalf(values, dtype);
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Index of the first value that is NaN or infinite, or -1. */
export function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}
