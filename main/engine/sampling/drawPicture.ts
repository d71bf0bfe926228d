/** One picture: sampler loop on the host, UNet and VAE decoder on the executor. */
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
import { conditioningSpecs, floatSpec, latentShape } from '../run/specs.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Trainables } from '../trainables/trainables.ts';

export type DrawOptions = Pick<RunConfig['samples'], 'sampler' | 'num_inference_steps' | 'guidance_scale' | 'guidance_rescale'>;
export interface DrawerParts { executor: Executor; base: BaseModel; trainables: Trainables; ema: boolean; width: number; height: number; options: DrawOptions }
/** Embeddings of the prompt and of what is guided away from; `negativeText` decides whether SDXL's zeros stand for it. */
export interface DrawText { prompt: CachedTensors; negative: CachedTensors; negativeText: string }
export interface Drawer {
  /** Defines the step functions, so that they are compiled with others. */
  define(): void;
  /** RGB bytes [height, width, 3]. */
  draw(text: DrawText, seed: number, onProgress?: (done: number, total: number) => void, signal?: AbortSignal): Promise<Uint8Array>;
}

export function pictureDrawer(parts: DrawerParts): Drawer {
  const { executor, base, width, height, options } = parts, guided = options.guidance_scale !== 1, n = guided ? 2 : 1;
  const shape = latentShape(base, 1, width, height), size = shape.reduce((a, b) => a * b, 1), zeros = guided && zeroesEmptyPrompt(base.source);
  const names = { denoise: `draw${parts.ema ? '_ema' : ''}_${width}x${height}_n${n}`, decode: `decode_${width}x${height}` };
  const define = (): void => defineSteps(parts, names, n);
  return {
    define,
    async draw(text, seed, onProgress, signal) {
      define();
      const sampler = createSampler(...samplerOf(options.sampler, base), options.num_inference_steps);
      const conditioning = conditioningInputs(text, guided, zeros && text.negativeText === '', [height, width, 0, 0, height, width]);
      const latents = await sampleLatents(async (x, t) => {
        const sample = { shape: [n, ...shape.slice(1)], data: guided ? stacked([x, x], []).data : x };
        const out = (await executor.run(names.denoise, { sample, timestep: { shape: [n], data: new Float32Array(n).fill(t) }, ...conditioning }))['output']!.data as Float32Array;
        return guided ? { unconditional: out.subarray(0, size), conditional: out.subarray(size) } : { conditional: out };
      }, {
        sampler, samples: 1, guidanceScale: options.guidance_scale, guidanceRescale: options.guidance_rescale, noise: normal({ seed, stream: 'sample_noise' }, size),
        stepNoise: (i) => normal({ seed, stream: 'sampler', step: i }, size), ...(onProgress ? { onStep: onProgress } : {}), ...(signal ? { signal } : {}),
      });
      return toBytes((await decodeLatents(parts, names.decode, { shape, data: latents })).data as Float32Array);
    },
  };
}

function defineSteps({ executor, base, trainables, ema, width, height }: DrawerParts, names: { denoise: string; decode: string }, n: number): void {
  const sample = floatSpec(...latentShape(base, n, width, height));
  executor.define(names.denoise, { sample, timestep: floatSpec(n), ...conditioningSpecs(base, n) }, (inputs, state) => ({
    outputs: { output: predictNoise(base, trainables, state, inputs['sample']!, inputs['timestep']!, inputs, { ema }) },
  }));
  const [, h, w, c] = latentShape(base, 1, width, height) as [number, number, number, number], tile = planTiles(base.vae, h, w) ?? { height: h, width: w };
  executor.define(names.decode, { latents: floatSpec(1, tile.height, tile.width, c) }, ({ latents }, state) => ({
    outputs: { image: decode(stateContext(state, 'vae'), base.vae, unscaleLatent(base.vae, latents!)) },
  }));
}

/** The picture of one latent [1,h,w,C]; a large one tile by tile. */
async function decodeLatents({ executor, base }: DrawerParts, step: string, latents: HostTensor): Promise<HostTensor> {
  const whole = async (z: HostTensor): Promise<HostTensor> => (await executor.run(step, { latents: z }))['image']!;
  const tiles = planTiles(base.vae, latents.shape[1]!, latents.shape[2]!);
  return tiles ? decodeTiled(latents, tiles, vaeFactor(base.vae), whole) : whole(latents);
}

/** The unconditional row first. */
function conditioningInputs({ prompt, negative }: DrawText, guided: boolean, zeros: boolean, sizes: number[]): Record<string, HostTensor> {
  const rows = (name: 'prompt_embeds' | 'pooled'): HostTensor => {
    const own = prompt[name]!, other = zeros ? new Float32Array(own.data.length) : negative[name]!.data;
    return stacked(guided ? [other, own.data] : [own.data], own.shape.slice(1));
  };
  const n = guided ? 2 : 1, timeIds = stacked(Array.from({ length: n }, () => Float32Array.from(sizes)), [6]);
  return { promptEmbeds: rows('prompt_embeds'), ...(prompt['pooled'] ? { pooled: rows('pooled'), timeIds } : {}) };
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
