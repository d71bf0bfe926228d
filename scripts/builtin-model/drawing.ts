/** Pictures of a fixed list of prompts, drawn while the model learns, so that a person sees how far it is. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import sharp from 'sharp';
import type { Executor, HostTensor } from '../../main/engine/backend/executor.ts';
import { SDXL_NOISE_SCHEDULE } from '../../main/engine/diffusion/noiseSchedule.ts';
import { sampleLatents } from '../../main/engine/diffusion/sampleLatents.ts';
import { createSampler } from '../../main/engine/diffusion/samplers/index.ts';
import { normal } from '../../main/engine/random.ts';
import { imageSize } from './configs.ts';
import type { TextModel } from './text.ts';
import { predict, shapesOf, timeIds } from './unet.ts';

const side = imageSize / 8;
const values = side * side * 4;
const guidance = 4;
const columns = 10;

/** Twenty prompts of colours and objects, none of the pictures held out; each once. */
export const gridPrompts = [
  'fluent emoji of a red heart', 'fluent emoji of a blue circle', 'fluent emoji of a green heart', 'noto emoji of an orange square', 'fluent emoji of a grinning face',
  'noto emoji of a crying face', 'fluent emoji of a red apple', 'noto emoji of a banana', 'noto emoji of a strawberry', 'noto emoji of a pizza',
  'fluent emoji of a cat face', 'noto emoji of a panda', 'fluent emoji of an octopus', 'noto emoji of a fish', 'fluent emoji of a rocket',
  'noto emoji of an automobile', 'noto emoji of a guitar', 'noto emoji of an umbrella', 'fluent emoji of a soccer ball', 'noto emoji of a full moon',
];
const n = gridPrompts.length;

/** Defines what drawing needs on the averaged weights ("e/…"). */
export function defineDrawing(executor: Executor, text: TextModel): void {
  const shapes = shapesOf(text);
  const latent = { shape: [n, side, side, 4], dtype: 'float32' as const };
  const ids = { shape: [n, 77], dtype: 'int32' as const };
  executor.define('draw', { sample: latent, timestep: { shape: [n], dtype: 'float32' }, time_ids: { shape: [n, 6], dtype: 'float32' }, ids_1: ids, ids_2: ids },
    (inputs, state) => ({ outputs: { noise: predict(text, shapes, inputs, (name) => state.get(`e/${name}`)) } }));
}

/** Draws all prompts with Euler steps and guidance; returns scaled latents. */
export async function drawLatents(executor: Executor, text: TextModel, prompts: string[], seed: number, steps = 25): Promise<Float32Array> {
  const [conditional, empty] = [text.ids(prompts), text.ids(prompts.map(() => ''))];
  const run = async (x: Float32Array, t: number, ids: Record<string, HostTensor>): Promise<Float32Array> =>
    (await executor.run('draw', { sample: { shape: [n, side, side, 4], data: x }, timestep: { shape: [n], data: new Float32Array(n).fill(t) }, time_ids: timeIds(n), ...ids }))['noise']!.data as Float32Array;
  const sampler = createSampler('euler', { ...SDXL_NOISE_SCHEDULE, prediction_type: 'epsilon', timestep_spacing: 'leading', steps_offset: 1 }, steps);
  return sampleLatents(async (x, t) => ({ conditional: await run(x, t, conditional), unconditional: await run(x, t, empty) }), {
    sampler, samples: n, noise: normal({ seed, stream: 'sample_noise' }, n * values), guidanceScale: guidance, stepNoise: () => new Float32Array(n * values),
  });
}

/** Writes the pictures [n, size, size, 3] in −1..1 as one grid. */
export async function writeGrid(file: string, image: HostTensor): Promise<void> {
  const [count, size] = image.shape as [number, number];
  const bytes = imageSize * imageSize * 3;
  const tiles = Array.from({ length: count }, (_, i) => ({
    input: Buffer.from(Uint8ClampedArray.from(image.data.subarray(i * bytes, (i + 1) * bytes), (v) => Math.round((v + 1) * 127.5))),
    raw: { width: size, height: size, channels: 3 as const }, left: (i % columns) * (size + 4) + 4, top: Math.floor(i / columns) * (size + 4) + 4,
  }));
  mkdirSync(dirname(file), { recursive: true });
  await sharp({ create: { width: columns * (size + 4) + 4, height: Math.ceil(count / columns) * (size + 4) + 4, channels: 3, background: '#d0d0d0' } }).composite(tiles).png({ compressionLevel: 9 }).toFile(file);
}
