/**
 * LoRA (Hu et al. 2021): each adapted layer's weight is W + strength · (alpha / rank) · down · up.
 * In tfjs layout: linear down [in, r], up [r, out]; convolution down HWIO [k, k, in, r], up [1, 1, r, out].
 */
import { AppError } from '../../../contract/errors.ts';

export interface LoraMatrix { shape: number[]; data: Float32Array }
export interface LoraLayer { down: LoraMatrix; up: LoraMatrix; alpha: number }
export type LoraComponent = 'unet' | 'text_encoder' | 'text_encoder_2';

/** `layers` by component, then by the layer's diffusers name without ".weight". `rank` and `alpha` are the file's usual ones. */
export interface LoraWeights { rank: number; alpha: number; layers: Map<LoraComponent, Map<string, LoraLayer>>; metadata: Record<string, string> }

export const rankOf = (layer: LoraLayer): number => layer.down.shape.at(-1)!;
export const scaleOf = (layer: LoraLayer): number => layer.alpha / rankOf(layer);

/** Every layer with its place. */
export function* eachLayer(lora: LoraWeights): Generator<[component: LoraComponent, name: string, layer: LoraLayer]> {
  for (const [component, layers] of lora.layers) for (const [name, layer] of layers) yield [component, name, layer];
}

/** factor · down · up as a flat [rows, out] matrix, which is the weight's tfjs layout for linear maps and convolutions alike. */
export function loraDelta(layer: LoraLayer, factor: number): Float32Array {
  const r = rankOf(layer), out = layer.up.shape.at(-1)!, rows = layer.down.data.length / r, delta = new Float32Array(rows * out);
  for (let i = 0; i < rows; i++) for (let k = 0; k < r; k++) {
    const d = factor * layer.down.data[i * r + k]!;
    if (d !== 0) for (let j = 0, at = i * out, from = k * out; j < out; j++) delta[at + j]! += d * layer.up.data[from + j]!;
  }
  return delta;
}

/** AᵀA of a [n, r] matrix (`byColumn`), or AAᵀ of a [r, n] one: [r, r]. */
function gram(data: Float32Array, r: number, byColumn: boolean): Float64Array {
  const g = new Float64Array(r * r), n = data.length / r;
  const at = byColumn ? (k: number, i: number) => data[i * r + k]! : (k: number, i: number) => data[k * n + i]!;
  for (let a = 0; a < r; a++) for (let b = 0; b <= a; b++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += at(a, i) * at(b, i);
    g[a * r + b] = g[b * r + a] = sum;
  }
  return g;
}

/** Frobenius norm of the scaled delta, without forming it: ‖DU‖² = Σ (DᵀD) ∘ (UUᵀ). */
export function deltaNorm(layer: LoraLayer): number {
  const r = rankOf(layer), down = gram(layer.down.data, r, true), up = gram(layer.up.data, r, false);
  return Math.abs(scaleOf(layer)) * Math.sqrt(Math.max(0, down.reduce((sum, d, i) => sum + d * up[i]!, 0)));
}

/** Throws lora.not_finite naming the first broken layer, lora.all_zero where no layer changes anything. Returns the largest norm. */
export function checkDeltas(lora: LoraWeights, where: string): number {
  let largest = 0;
  for (const [component, name, layer] of eachLayer(lora)) {
    const norm = deltaNorm(layer);
    if (!Number.isFinite(norm)) throw new AppError('lora.not_finite', `${where}: the layer ${component}/${name} contains values that are not numbers.`,
      'Go back to an earlier checkpoint; train with a lower learning rate.', { path: where, component, layer: name });
    largest = Math.max(largest, norm);
  }
  if (largest === 0) throw new AppError('lora.all_zero', `${where}: none of its layers changes anything.`, 'Train for more steps, or with a higher learning rate, before exporting.', { path: where });
  return largest;
}
