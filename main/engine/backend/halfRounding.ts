/** float32 values rounded to what a narrower type can hold, to the nearest, ties to even. */
import type { StorageDtype } from './executor.ts';

/** A copy of `data` with every value rounded to `dtype`. */
export function roundTo(dtype: StorageDtype, data: Float32Array): Float32Array {
  if (dtype === 'float16') return Float32Array.from(new Float16Array(data));
  if (dtype === 'uint8') return Float32Array.from(Uint8ClampedArray.from(data));
  const out = data.slice();
  if (dtype === 'float32') return out;
  const bits = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    if (Number.isNaN(out[i])) continue;
    bits[i] = (b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000;
  }
  return out;
}
