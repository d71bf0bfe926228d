/** Parity of a whole text-to-image run: prompts and start latents to final latents and pictures. */
import type { BackendChoice } from '../backend/select.ts';
import type { Executor, HostTensor } from '../backend/executor.ts';
import { openTextEncoder } from '../data/encodeText.ts';
import { stacked } from '../data/loadBatch.ts';
import { sampleLatents, type Predict } from '../diffusion/sampleLatents.ts';
import type { CachedTensors } from '../data/tensorCache.ts';
import { createSampler, type SamplerConfig } from '../diffusion/samplers/index.ts';
import { decode, unscaleLatent } from '../models/vae.ts';
import { predictNoise } from '../program/networks.ts';
import { loadComponent, openBaseModel, type BaseModel } from '../run/baseModel.ts';
import { conditioningSpecs, floatSpec } from '../run/specs.ts';
import { stateContext } from '../run/stateContext.ts';
import { MODEL_FILES, readFixture, readJson, relativeError, toNhwc, type Weights } from './fixture.ts';
import { onExecutor, runOnce } from './onExecutor.ts';
import { absentPart, judge, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

interface Meta { prompt: string[]; negative_prompt: string[]; height: number; width: number; num_inference_steps: number; guidance_scale: number }

/** Text states, and SDXL's pooled text and sizes, of the negative prompts and then of the prompts. */
async function conditioning(executor: Executor, base: BaseModel, { height, width, ...meta }: Meta): Promise<Record<string, HostTensor>> {
  const encode = await openTextEncoder(executor, base.source), texts = [...meta.negative_prompt, ...meta.prompt];
  const rows: CachedTensors[] = [];
  for (const text of texts) rows.push(await encode(text));
  const of = (name: 'prompt_embeds' | 'pooled'): HostTensor => stacked(rows.map((r) => r[name]!.data), rows[0]![name]!.shape.slice(1));
  const sizes = stacked(texts.map(() => Float32Array.of(height, width, 0, 0, height, width)), [6]);
  return { promptEmbeds: of('prompt_embeds'), ...(rows[0]!['pooled'] ? { pooled: of('pooled'), timeIds: sizes } : {}) };
}

/** The UNet on both halves at once, unconditional first. */
function network(executor: Executor, base: BaseModel, shape: number[], inputs: Record<string, HostTensor>): Predict {
  const n = 2 * shape[0]!, sample = [n, ...shape.slice(1)];
  executor.define('denoise', { sample: floatSpec(...sample), timestep: floatSpec(n), ...conditioningSpecs(base, n) }, ({ sample: x, timestep, ...rest }, state) => ({
    outputs: { output: predictNoise(base, { lora: null, list: [] }, state, x!, timestep!, rest) },
  }));
  return async (x, t) => {
    const out = await executor.run('denoise', { sample: { shape: sample, data: stacked([x, x], []).data }, timestep: { shape: [n], data: new Float32Array(n).fill(t) }, ...inputs });
    const both = out['output']!.data as Float32Array;
    return { unconditional: both.subarray(0, x.length), conditional: both.subarray(x.length) };
  };
}

/** What the fixtures fix the sample by: in sample.json, and in sample.safetensors. */
const META = ['prompt', 'negative_prompt', 'height', 'width', 'num_inference_steps', 'guidance_scale'];
const EXPECTED = [['final_latents', 'final latents'], ['image', 'picture']] as const;

async function* check(section: string, executor: Executor, base: BaseModel, f: Weights, meta: Meta): AsyncGenerator<ParityFinding> {
  const start = toNhwc(f.get('latents')!), inputs = await conditioning(executor, base, meta);
  await loadComponent(executor, base.source, 'unet');
  await loadComponent(executor, base.source, 'vae');
  const config = { ...base.source.scheduler, ...base.schedule, prediction_type: base.predictionType } as SamplerConfig;
  const latents = await sampleLatents(network(executor, base, start.shape, inputs), {
    sampler: createSampler('euler', config, meta.num_inference_steps), samples: start.shape[0]!, noise: start.data, guidanceScale: meta.guidance_scale,
    stepNoise: () => { throw new Error('Euler adds no noise'); },
  });
  const expected = f.get('final_latents'), picture = f.get('image');
  if (expected) yield judge(section, 'final latents', relativeError({ shape: start.shape, data: latents }, toNhwc(expected)), TOLERANCE.forward, `${meta.num_inference_steps} Euler steps, guidance ${meta.guidance_scale}`);
  if (!picture) return;
  const { image } = await runOnce(executor, 'decode', { latents: { shape: start.shape, data: latents } }, ({ latents: z }, state) => ({ outputs: { image: decode(stateContext(state, 'vae'), base.vae, unscaleLatent(base.vae, z!)) } }));
  const pixels = Float32Array.from(image!.data, (v) => Math.min(1, Math.max(0, v / 2 + 0.5)));
  yield judge(section, 'picture', relativeError({ shape: image!.shape, data: pixels }, toNhwc(picture)), TOLERANCE.forward);
}

async function* run(section: string, dir: string, backend: BackendChoice): AsyncGenerator<ParityFinding> {
  const f = await readFixture(dir, 'sample'), meta = await readJson(`${dir}/sample.json`) as Meta;
  const inputs = [...lacking({ has: (name) => Object.hasOwn(meta, name) }, META), ...lacking(f, ['latents'])];
  for (const [key, part] of EXPECTED) if (inputs.length || !f.has(key)) yield absentPart(section, part, [...inputs, ...lacking(f, [key])]);
  if (inputs.length || !EXPECTED.some(([key]) => f.has(key))) return;
  const base = await openBaseModel({ model: { base: `${dir}/tiny-sdxl`, vae: null, lora: null }, diffusion: { prediction_type: 'auto', zero_terminal_snr: false } as never });
  try {
    yield* onExecutor(backend, (executor) => check(section, executor, base, f, meta));
  } finally {
    await base.source.close();
  }
}

const FILES = ['sample.safetensors', 'sample.json', 'tiny-sdxl/scheduler/scheduler_config.json', ...MODEL_FILES];
const sectionOn = (name: string, backend: BackendChoice): ParitySection => ({ name, files: FILES, run: (dir) => run(name, dir, backend) });

export const sample = sectionOn('whole sample, compiled', 'tensorflow');
export const sampleEager = sectionOn('whole sample, op by op', 'tensorflow-eager');
