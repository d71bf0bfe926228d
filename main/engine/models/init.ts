/** Initial weights for training from scratch: PyTorch's defaults for each kind of layer. */
import { uniform, normal } from '../random.ts';
import type { WeightShapes } from './weightShapes.ts';

/** FNV-1a: gives each weight its own random draw, whichever other weights there are. */
function hash(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * One weight's initial values, row-major in tfjs layout.
 * - convolutions, linears and their biases: U(−1/√fan_in, 1/√fan_in), i.e. kaiming_uniform_(a=√5) (He et al. 2015)
 * - norms: scale 1, shift 0 (recognised by a scale of rank 1)
 * - embeddings: N(0, 0.02²), as CLIP
 */
export function initWeight(name: string, shapes: WeightShapes, seed: number): Float32Array {
  const shape = shapes[name]!;
  const n = size(shape);
  const sample = hash(name);
  if (name.includes('_embedding.weight') && shape.length === 2) return normal({ seed, stream: 'weight_init', sample }, n).map((v) => 0.02 * v);
  const kernel = shapes[name.replace(/\.bias$/, '.weight')] ?? shape;
  if (kernel.length < 2) return new Float32Array(n).fill(name.endsWith('.bias') ? 0 : 1);
  const bound = 1 / Math.sqrt(size(kernel.slice(0, -1)));
  return uniform({ seed, stream: 'weight_init', sample }, n).map((u) => bound * (2 * u - 1));
}

/** Initial values of every listed weight; the same seed gives the same weights. */
export function initWeights(shapes: WeightShapes, seed: number): Map<string, Float32Array> {
  return new Map(Object.keys(shapes).map((name) => [name, initWeight(name, shapes, seed)]));
}
