/** A model with random weights, of the shapes that a bench folder's unet.json and vae.json state. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import type { Executor, StorageDtype } from '../backend/executor.ts';
import { sizeOf } from '../backend/stepCheck.ts';
import { ModelSource, type ComponentConfig } from '../checkpoint/modelSource.ts';
import { parseUnetConfig, unetWeightShapes } from '../models/unet.ts';
import { parseVaeConfig, vaeWeightShapes } from '../models/vae.ts';
import type { WeightShapes } from '../models/weightShapes.ts';
import { uniform } from '../random.ts';
import { variableName, type BaseModel } from '../run/baseModel.ts';

export interface BenchModel { base: BaseModel; latentSize: number }

/** Reads bench.json, unet.json and vae.json. Throws bench.no_config. */
export function openBenchModel(dir: string): BenchModel {
  const read = (name: string): ComponentConfig => {
    try { return JSON.parse(readFileSync(join(dir, name), 'utf8')) as ComponentConfig; } catch (error) {
      throw new AppError('bench.no_config', `${join(dir, name)} cannot be read: ${(error as Error).message}`, 'Name a folder with bench.json, unet.json and vae.json.', { dir });
    }
  };
  const unet = read('unet.json'), vae = read('vae.json'), { latent_size } = read('bench.json') as { latent_size: number };
  const none = new Map();
  const source = new ModelSource({
    kind: 'sdxl', path: dir, layout: 'diffusers', components: new Map([['unet', { config: unet, weights: none }], ['vae', { config: vae, weights: none }]]),
    tokenizers: {}, scheduler: {}, ignored: [], metadata: {}, files: [],
  });
  const schedule = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' as const, num_train_timesteps: 1000, rescale_betas_zero_snr: false, trained_betas: null };
  return { base: { source, unet: parseUnetConfig(unet), vae: parseVaeConfig(vae), align: 8, schedule, predictionType: 'epsilon' }, latentSize: latent_size };
}

const BLOCK = 1 << 20;
let block: Float32Array | undefined;

/** Uniform values in ±bound: one block of a million draws, repeated from another place each time (2.6 billion draws would take minutes). */
function randomValues(length: number, bound: number, offset: number): Float32Array {
  block ??= uniform({ seed: 1, stream: 'weight_init' }, BLOCK).map((u) => 2 * u - 1);
  const out = new Float32Array(length);
  for (let at = 0, from = offset % BLOCK; at < length; from = 0) {
    const part = block.subarray(from, Math.min(BLOCK, from + length - at));
    out.set(part, at);
    at += part.length;
  }
  for (let i = 0; i < length; i++) out[i]! *= bound;
  return out;
}

function initialValues(name: string, shape: number[], offset: number): Float32Array {
  if (shape.length === 1) return new Float32Array(shape[0]!).fill(/norm.*\.weight$/.test(name) ? 1 : 0);
  return randomValues(sizeOf(shape), 1 / Math.sqrt(sizeOf(shape.slice(0, -1))), offset);
}

function declareAll(executor: Executor, component: 'unet' | 'vae', shapes: WeightShapes, dtype: StorageDtype): number {
  let count = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    executor.declare(variableName(component, name), { shape, dtype }, initialValues(name, shape, count));
    count += sizeOf(shape);
  }
  return count;
}

/** Declares the UNet's and the VAE decoder's weights; returns the number of the UNet's. */
export function declareBenchWeights(executor: Executor, { unet, vae }: BaseModel, unetDtype: StorageDtype, vaeDtype: StorageDtype): number {
  const decoder = Object.fromEntries(Object.entries(vaeWeightShapes(vae)).filter(([name]) => name.startsWith('decoder.')));
  declareAll(executor, 'vae', decoder, vaeDtype);
  return declareAll(executor, 'unet', unetWeightShapes(unet), unetDtype);
}
