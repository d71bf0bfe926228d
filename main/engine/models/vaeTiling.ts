/**
 * Decoding a large latent in tiles, so that memory is that of one tile (diffusers' tiled VAE does the same). Here all tiles
 * have one size, so that one compiled step serves them all, and seams are blended by a weighted mean.
 */
import type { HostTensor } from '../backend/executor.ts';
import { vaeFactor, type VaeConfig } from './vaeConfig.ts';

/** Height and width of a tile, and how much of it neighbours share at least; all in latent pixels. */
export interface TilePlan { height: number; width: number; overlap: number }

/** The share of a tile's side that neighbours both decode: group norms see only their tile, and the blend hides it. */
const OVERLAP = 0.25;

/**
 * Tiles for a latent of height × width: each side at most the size that the VAE was trained for (1024 px for SDXL), `limit`
 * latent pixels where its config does not say. Undefined when one tile is enough.
 */
export function planTiles(config: VaeConfig, height: number, width: number, limit = 64): TilePlan | undefined {
  const trained = Array.isArray(config.sample_size) ? Math.min(...config.sample_size) : config.sample_size;
  const side = Math.max(limit, Math.floor((trained ?? 0) / vaeFactor(config)));
  if (height <= side && width <= side) return undefined;
  return { height: Math.min(side, height), width: Math.min(side, width), overlap: Math.floor(side * OVERLAP) };
}

/** Where tiles of size `tile` start along `length`: as few as keep the overlap, evenly spread, the last one flush with the end. */
export function tileStarts(length: number, tile: number, overlap: number): number[] {
  if (tile >= length) return [0];
  const count = Math.ceil((length - overlap) / (tile - overlap));
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - tile)) / (count - 1)));
}

/** Weight of each pixel of tile `i` along one side: ramps over what it shares with its neighbours, 1 in between. */
function tileWeights(starts: number[], i: number, tile: number): Float32Array {
  const before = i > 0 ? starts[i - 1]! + tile - starts[i]! : 0;
  const after = i < starts.length - 1 ? starts[i]! + tile - starts[i + 1]! : 0;
  return Float32Array.from({ length: tile }, (_, p) => Math.min(1, before ? (p + 0.5) / before : 1, after ? (tile - p - 0.5) / after : 1));
}

/** Rows and columns [y, y+height) × [x, x+width) of an image [1,H,W,C]. */
function crop({ shape, data }: HostTensor, y: number, x: number, height: number, width: number): HostTensor {
  const [, , fullWidth, c] = shape as [number, number, number, number];
  const out = new Float32Array(height * width * c);
  for (let r = 0; r < height; r++) out.set((data as Float32Array).subarray(((y + r) * fullWidth + x) * c, ((y + r) * fullWidth + x + width) * c), r * width * c);
  return { shape: [1, height, width, c], data: out };
}

/** The weighted mean of the tiles put into it. */
class Mosaic {
  readonly #height: number;
  readonly #width: number;
  readonly #weights: Float32Array;
  #sum = new Float32Array(0);

  constructor(height: number, width: number) {
    this.#height = height;
    this.#width = width;
    this.#weights = new Float32Array(height * width);
  }

  add({ shape, data }: HostTensor, top: number, left: number, rows: Float32Array, columns: Float32Array): void {
    const channels = shape[3]!;
    if (!this.#sum.length) this.#sum = new Float32Array(this.#height * this.#width * channels);
    for (let r = 0; r < rows.length; r++) for (let k = 0; k < columns.length; k++) {
      const weight = rows[r]! * columns[k]!, at = (top + r) * this.#width + left + k, from = (r * columns.length + k) * channels;
      this.#weights[at]! += weight;
      for (let ch = 0; ch < channels; ch++) this.#sum[at * channels + ch]! += weight * data[from + ch]!;
    }
  }

  mean(): HostTensor {
    const channels = this.#sum.length / this.#weights.length;
    return { shape: [1, this.#height, this.#width, channels], data: this.#sum.map((v, i) => v / this.#weights[Math.floor(i / channels)]!) };
  }
}

/**
 * z [1,h,w,C] -> image [1,h·factor,w·factor,3]. `decodeTile` decodes one tile [1,plan.height,plan.width,C]; it is called
 * once a tile, one after the other.
 */
export async function decodeTiled(z: HostTensor, plan: TilePlan, factor: number, decodeTile: (tile: HostTensor) => Promise<HostTensor>): Promise<HostTensor> {
  const [, h, w] = z.shape as [number, number, number, number];
  const tops = tileStarts(h, plan.height, plan.overlap), lefts = tileStarts(w, plan.width, plan.overlap);
  const image = new Mosaic(h * factor, w * factor);
  const pixels = (starts: number[]): number[] => starts.map((s) => s * factor);
  for (const [i, top] of tops.entries()) for (const [j, left] of lefts.entries()) {
    const tile = await decodeTile(crop(z, top, left, plan.height, plan.width));
    image.add(tile, top * factor, left * factor, tileWeights(pixels(tops), i, plan.height * factor), tileWeights(pixels(lefts), j, plan.width * factor));
  }
  return image.mean();
}
