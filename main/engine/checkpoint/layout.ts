/**
 * PyTorch's weight layouts and tfjs's. Convolutions: OIHW ↔ HWIO. Linear maps: [out, in] ↔ [in, out].
 * Embeddings and vectors are the same in both.
 */
export type WeightArray = Float32Array | Uint16Array;
type Maker<T> = { new (length: number): T };

/** Whether a weight keeps its layout: vectors, and tables that are looked up rather than multiplied. */
export const keepsLayout = (name: string, rank: number): boolean => rank < 2 || /(^|[._])(token_embedding|position_embedding|positional_embedding)(\.weight)?$/.test(name);

/** The shape in tfjs layout of a weight that PyTorch stores as `shape`. */
export function tfjsShape(name: string, shape: number[]): number[] {
  if (keepsLayout(name, shape.length)) return shape;
  const [out, inner, ...kernel] = shape;
  return [...kernel, inner!, out!];
}

/** The shape in PyTorch's layout of a weight that tfjs holds as `shape`. */
export function torchShape(name: string, shape: number[]): number[] {
  if (keepsLayout(name, shape.length)) return shape;
  return [shape.at(-1)!, shape.at(-2)!, ...shape.slice(0, -2)];
}

/** [A, B, K] → [K, B, A]: the one transposition both layouts need. Goes in tiles that stay in the cache. */
function transpose<T extends WeightArray>(from: T, a: number, b: number, k: number): T {
  const out = new (from.constructor as Maker<T>)(from.length), tile = 32;
  for (let a0 = 0; a0 < a; a0 += tile) for (let b0 = 0; b0 < b; b0 += tile) for (let k0 = 0; k0 < k; k0 += tile) {
    const a1 = Math.min(a, a0 + tile), b1 = Math.min(b, b0 + tile), k1 = Math.min(k, k0 + tile);
    for (let j = b0; j < b1; j++) for (let x = k0; x < k1; x++) for (let i = a0; i < a1; i++) out[(x * b + j) * a + i] = from[(i * b + j) * k + x]!;
  }
  return out;
}
const product = (sides: number[]): number => sides.reduce((x, y) => x * y, 1);

/** PyTorch layout → tfjs layout, for values or half bits. `shape` is PyTorch's. Returns its input where nothing changes. */
export function toTfjsLayout<T extends WeightArray>(name: string, shape: number[], data: T): T {
  if (keepsLayout(name, shape.length)) return data;
  const [out, inner, ...kernel] = shape as [number, number, ...number[]];
  return transpose(data, out, inner, product(kernel));
}

/** tfjs layout → PyTorch layout. `shape` is PyTorch's (the result's). Returns its input where nothing changes. */
export function toTorchLayout<T extends WeightArray>(name: string, shape: number[], data: T): T {
  if (keepsLayout(name, shape.length)) return data;
  const [out, inner, ...kernel] = shape as [number, number, ...number[]];
  return kernel.length ? transpose(data, product(kernel), inner, out) : transpose(data, inner, out, 1); // [K, I, O] → [O, I, K]
}
