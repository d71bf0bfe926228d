/** How an ONNX image model wants its pictures: preprocessor_config.json beside it or one folder up, as Hugging Face writes it; else CLIP's ways. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { Size } from '../../contract/buckets.ts';

const sideSchema = z.union([z.number(), z.object({ height: z.number() }).loose(), z.object({ shortest_edge: z.number() }).loose()]);
const configSchema = z.object({
  size: sideSchema.default(224), crop_size: sideSchema.optional(), rescale_factor: z.number().default(1 / 255), do_normalize: z.boolean().default(true),
  image_mean: z.array(z.number()).length(3).default([0.48145466, 0.4578275, 0.40821073]), image_std: z.array(z.number()).length(3).default([0.26862954, 0.26130258, 0.27577711]),
}).loose();
export interface Preprocessing { side: number; rescale: number; mean: number[]; std: number[]; /** the file it is from; null: CLIP's */ file: string | null }

const sideOf = (size: z.output<typeof sideSchema>): number => (typeof size === 'number' ? size : 'height' in size ? Number(size.height) : Number(size.shortest_edge));

/** Throws evaluation.onnx_config for a file that does not say what it should. */
export function readPreprocessing(model: string): Preprocessing {
  const file = [dirname(model), dirname(dirname(model))].map((dir) => join(dir, 'preprocessor_config.json')).find((f) => existsSync(f)) ?? null;
  try {
    const c = configSchema.parse(file ? JSON.parse(readFileSync(file, 'utf8')) : {});
    return { side: sideOf(c.crop_size ?? c.size), rescale: c.rescale_factor, ...(c.do_normalize ? { mean: c.image_mean, std: c.image_std } : { mean: [0, 0, 0], std: [1, 1, 1] }), file };
  } catch (error) { throw new AppError('evaluation.onnx_config', `${file} cannot be used: ${(error as Error).message}`, 'Put back the preprocessor_config.json that came with the model, or take it away.', { file }); }
}

/** RGB bytes -> [3, side, side]: the shorter side scaled (cubic), the middle cut out, normalised. */
export async function onnxPixels(pixels: Uint8Array, { width, height }: Size, { side, rescale, mean, std }: Preprocessing): Promise<Float32Array> {
  const data = await sharp(pixels, { raw: { width, height, channels: 3 } }).resize(side, side, { fit: 'cover', kernel: 'cubic' }).raw().toBuffer(), plane = side * side;
  return Float32Array.from({ length: 3 * plane }, (_, i) => { const c = Math.floor(i / plane); return (data[(i % plane) * 3 + c]! * rescale - mean[c]!) / std[c]!; });
}
