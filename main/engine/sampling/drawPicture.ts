/** Pictures of one size, several at once: sampler loop on the host, UNet and VAE decoder on the executor. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor, HostTensor } from '../backend/executor.ts';
import type { ModelSource } from '../checkpoint/modelSource.ts';
import { stacked } from '../data/loadBatch.ts';
import { toBytes } from '../data/decodeImage.ts';
import type { CachedTensors } from '../data/tensorCache.ts';
import { sampleLatents } from '../diffusion/sampleLatents.ts';
import { createSampler, type SamplerConfig, type SamplerName } from '../diffusion/samplers/index.ts';
import { decode, unscaleLatent, vaeFactor } from '../models/vae.ts';
import { decodeTiled, planTiles } from '../models/vaeTiling.ts';
import { predictNoise } from '../program/networks.ts';
import { normal } from '../random.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { filled } from '../run/batching.ts';
import { conditioningSpecs, floatSpec, latentShape } from '../run/specs.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Trainables } from '../trainables/trainables.ts';

export type DrawOptions = Pick<RunConfig['samples'], 'sampler' | 'num_inference_steps' | 'guidance_scale' | 'guidance_rescale'>;
export interface DrawerParts { executor: Executor; base: BaseModel; trainables: Trainables; ema: boolean; width: number; height: number; /** pictures at once */ batch: number; options: DrawOptions }
/** Embeddings of the prompt and of what is guided away from; `negativeText` decides whether SDXL's zeros stand for it. */
export interface DrawText { prompt: CachedTensors; negative: CachedTensors; negativeText: string }
/** `from`: the scaled latent [h,w,C] to start from and how much of the way from noise is gone (0 … 1]; left out: from noise. */
export interface DrawJob { text: DrawText; seed: number; from?: { latent: Float32Array; strength: number } }
export interface Drawer {
  /** Defines the step functions, so that they are compiled with others. */
  define(): void;
  /** RGB bytes [height, width, 3] of each, at most `batch` of them. A picture's bytes may depend on `batch` in their last bit, not on its neighbours. */
  draw(pictures: readonly DrawJob[], onProgress?: (done: number, total: number) => void, signal?: AbortSignal): Promise<Uint8Array[]>;
}

export function pictureDrawer(parts: DrawerParts): Drawer {
  const { executor, base, width, height, batch, options } = parts, guided = options.guidance_scale !== 1, rows = guided ? 2 * batch : batch;
  const shape = latentShape(base, batch, width, height), one = sizeOf(shape) / batch, zeros = guided && zeroesEmptyPrompt(base.source);
  const names = { denoise: `draw${parts.ema ? '_ema' : ''}_${width}x${height}_n${rows}`, decode: `decode_${width}x${height}_n${batch}` };
  const define = (): void => defineSteps(parts, names, rows);
  return {
    define,
    async draw(pictures, onProgress, signal) {
      define();
      const jobs = filled(pictures, batch), sampler = createSampler(...samplerOf(options.sampler, base), options.num_inference_steps);
      const noise = (stream: 'sample_noise' | 'sampler', step?: number): Float32Array => joined(jobs.map(({ seed }) => normal({ seed, stream, ...(step === undefined ? {} : { step }) }, one)));
      const conditioning = conditioningInputs(jobs.map((j) => j.text), guided, zeros, [height, width, 0, 0, height, width]);
      const latents = await sampleLatents(async (x, t) => {
        const sample = { shape: [rows, ...shape.slice(1)], data: guided ? joined([x, x]) : x };
        const out = (await executor.run(names.denoise, { sample, timestep: { shape: [rows], data: new Float32Array(rows).fill(t) }, ...conditioning }))['output']!.data as Float32Array;
        return guided ? { unconditional: out.subarray(0, x.length), conditional: out.subarray(x.length) } : { conditional: out };
      }, {
        sampler, samples: batch, guidanceScale: options.guidance_scale, guidanceRescale: options.guidance_rescale, noise: noise('sample_noise'),
        ...startOf(jobs), stepNoise: (i) => noise('sampler', i), ...(onProgress ? { onStep: onProgress } : {}), ...(signal ? { signal } : {}),
      });
      const image = (await decodeLatents(parts, names.decode, { shape, data: latents })).data as Float32Array, bytes = width * height * 3;
      return pictures.map((_, i) => toBytes(image.subarray(i * bytes, (i + 1) * bytes)));
    },
  };
}

/** Where the pictures of a batch start: all from latents of one strength, or all from noise. */
function startOf(jobs: readonly DrawJob[]): { from?: { latents: Float32Array; strength: number } } {
  const first = jobs[0]?.from;
  return first ? { from: { latents: joined(jobs.map((j) => j.from!.latent)), strength: first.strength } } : {};
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
}

function defineSteps({ executor, base, trainables, ema, width, height, batch }: DrawerParts, names: { denoise: string; decode: string }, rows: number): void {
  const sample = floatSpec(...latentShape(base, rows, width, height));
  executor.define(names.denoise, { sample, timestep: floatSpec(rows), ...conditioningSpecs(base, rows) }, (inputs, state) => ({
    outputs: { output: predictNoise(base, trainables, state, inputs['sample']!, inputs['timestep']!, inputs, { ema }) },
  }));
  const [, h, w, c] = latentShape(base, 1, width, height) as [number, number, number, number], tile = planTiles(base.vae, h, w);
  executor.define(names.decode, { latents: tile ? floatSpec(1, tile.height, tile.width, c) : floatSpec(batch, h, w, c) }, ({ latents }, state) => ({
    outputs: { image: decode(stateContext(state, 'vae'), base.vae, unscaleLatent(base.vae, latents!)) },
  }));
}

/** The pictures of latents [n,h,w,C]; large ones (which come alone) tile by tile. */
async function decodeLatents({ executor, base }: DrawerParts, step: string, latents: HostTensor): Promise<HostTensor> {
  const whole = async (z: HostTensor): Promise<HostTensor> => (await executor.run(step, { latents: z }))['image']!;
  const tiles = planTiles(base.vae, latents.shape[1]!, latents.shape[2]!);
  return tiles ? decodeTiled(latents, tiles, vaeFactor(base.vae), whole) : whole(latents);
}

/** The unconditional rows first. */
function conditioningInputs(texts: readonly DrawText[], guided: boolean, zeros: boolean, sizes: number[]): Record<string, HostTensor> {
  const rows = (name: 'prompt_embeds' | 'pooled'): HostTensor => {
    const away = ({ negative, negativeText }: DrawText): Float32Array => { const { data } = negative[name]!; return zeros && negativeText === '' ? new Float32Array(data.length) : data; };
    return stacked([...(guided ? texts.map(away) : []), ...texts.map((t) => t.prompt[name]!.data)], texts[0]!.prompt[name]!.shape.slice(1));
  };
  const n = guided ? 2 * texts.length : texts.length, timeIds = stacked(Array.from({ length: n }, () => Float32Array.from(sizes)), [6]);
  return { promptEmbeds: rows('prompt_embeds'), ...(texts[0]!.prompt['pooled'] ? { pooled: rows('pooled'), timeIds } : {}) };
}

/** The sampler's name and its settings as the model's own scheduler has them, where it says. */
function samplerOf(choice: RunConfig['samples']['sampler'], { source, schedule, predictionType }: BaseModel): [SamplerName, SamplerConfig] {
  const s = source.scheduler, karras = choice === 'dpmpp_2m_karras';
  return [karras ? 'dpmpp_2m' : choice, {
    ...schedule, prediction_type: predictionType, timestep_spacing: (s['timestep_spacing'] ?? 'leading') as SamplerConfig['timestep_spacing'],
    steps_offset: Number(s['steps_offset'] ?? 1), use_karras_sigmas: karras, set_alpha_to_one: s['set_alpha_to_one'] === true,
  }];
}

/** Whether SDXL's unconditional embedding is zeros rather than the encoded empty text: model_index.json says; single files follow SDXL base. */
export function zeroesEmptyPrompt(source: ModelSource): boolean {
  if (source.kind !== 'sdxl') return false;
  const index = join(source.path, 'model_index.json');
  if (source.layout === 'single-file' || !existsSync(index)) return true;
  return (JSON.parse(readFileSync(index, 'utf8')) as { force_zeros_for_empty_prompt?: boolean }).force_zeros_for_empty_prompt !== false;
}
