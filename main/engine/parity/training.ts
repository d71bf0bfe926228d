/** Parity of training: ten optimizer steps under eight configurations, losses and norms at each step, final weights, EMA. */
import { createExecutor, type BackendChoice } from '../backend/select.ts';
import type { Executor } from '../backend/executor.ts';
import { noiseScheduleOf } from '../diffusion/noiseSchedule.ts';
import { parseUnetConfig } from '../models/unet.ts';
import { parseVaeConfig } from '../models/vae.ts';
import { tfjsShape, toTfjsLayout } from '../checkpoint/layout.ts';
import { variableName } from '../run/baseModel.ts';
import { downName, emaName, upName, type LoraPlace, type Trainable, type Trainables } from '../trainables/trainables.ts';
import { readFixture, readJson, readWeights, relativeError, type FloatTensor, type Weights } from './fixture.ts';
import { absentPart, judge, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';
import { TrainingRun, type LoggedStep, type TinyModel, type TrainingConfig } from './trainingRun.ts';

/** A run of training.json. */
export interface Recorded { config: TrainingConfig; lr: number; steps: Partial<LoggedStep>[] }

/** The runs that the fixtures hold, and the weights that they keep of those that train all. */
const RUNS = ['baseline_full', 'lpl_full', 'lpl_full_options', 'lpl_snr_v', 'lpl_snr_eps_nooutlier', 'baseline_lora', 'lpl_lora', 'lpl_accumulate'];
const KEPT = ['conv_in.weight', 'conv_out.bias', 'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight', 'time_embedding.linear_1.weight'];

async function readModel(dir: string): Promise<TinyModel> {
  const part = (name: string): string => `${dir}/tiny-sdxl/${name}`;
  return {
    schedule: noiseScheduleOf(await readJson(part('scheduler/scheduler_config.json')) as Record<string, unknown>),
    unet: parseUnetConfig(await readJson(part('unet/config.json'))), vae: parseVaeConfig(await readJson(part('vae/config.json'))),
    unetWeights: await readWeights(part('unet/diffusion_pytorch_model.safetensors')), vaeWeights: await readWeights(part('vae/diffusion_pytorch_model.safetensors')),
  };
}

/** A fixture's weight in tfjs layout; LoRA matrices are linear maps. */
export const asWeight = (name: string, { shape, data }: FloatTensor): FloatTensor => ({ shape: tfjsShape(name, shape), data: toTfjsLayout(name, shape, data) });

/** "….to_k.lora_A.weight" -> the executor's variable. */
function loraVariable(name: string): string {
  const layer = name.replace(/\.lora_[AB]\.weight$/, '');
  return name.endsWith('lora_A.weight') ? downName('unet', layer) : upName('unet', layer);
}

/** The executor's variable of a weight as the fixtures name it. */
export const variableOf = (weight: string): string => (weight.includes('.lora_') ? loraVariable(weight) : variableName('unet', weight));

function trainablesOf(name: string, { lora }: TrainingConfig, f: Weights, model: TinyModel): Trainables {
  if (lora === undefined) return { lora: null, list: [...model.unetWeights].map(([weight, { shape }]): Trainable => ({ name: variableName('unet', weight), shape, init: null })) };
  const own = [...f].filter(([key]) => key.startsWith(`${name}.init.`)).map(([key, t]): [string, FloatTensor] => [key.slice(`${name}.init.`.length), t]);
  return {
    lora: own.filter(([key]) => key.endsWith('lora_A.weight')).map(([key, { shape }]): LoraPlace => ({ component: 'unet', layer: key.replace('.lora_A.weight', ''), rank: shape[0]!, alpha: lora })),
    list: own.map(([key, t]): Trainable => { const w = asWeight(key, t); return { name: loraVariable(key), shape: w.shape, init: () => w.data }; }),
  };
}

const scalarError = (actual: number, expected: number): number => (actual === expected ? 0 : Math.abs(actual - expected) / Math.abs(expected));
const KEYS = ['diffusion_loss', 'lpl_loss', 'total_loss', 'lpl_samples', 'grad_norm', 'lr'] as const;

/** What is compared of a run: what it logs, and its variables after it. */
export interface FollowedRun { run(): AsyncIterable<LoggedStep>; executor: Pick<Executor, 'read'> }

/** The largest error of each logged quantity over all steps; steps of which the files lack it are named. */
async function* compareSteps(section: string, name: string, run: FollowedRun, expected: Partial<LoggedStep>[]): AsyncGenerator<ParityFinding> {
  const worst = new Map<string, number>(), missing = new Map<string, string[]>();
  let s = 0;
  for await (const got of run.run()) {
    const want = expected[s] ?? {};
    for (const key of KEYS) {
      const a = got[key], b = want[key];
      if (b !== undefined) worst.set(key, Math.max(worst.get(key) ?? 0, scalarError(a ?? NaN, b) || (a === b ? 0 : Infinity)));
      else if (a !== undefined) missing.set(key, [...missing.get(key) ?? [], `steps[${s}].${key}`]);
    }
    s++;
  }
  for (const [key, error] of worst) yield judge(section, `${name}: ${key}`, error, key === 'grad_norm' ? TOLERANCE.gradient : TOLERANCE.loss, `largest of ${expected.length} steps`);
  for (const [key, steps] of missing) yield absentPart(section, `${name}: ${key}`, steps);
  if (expected.length > s) yield judge(section, `${name}: number of steps`, Infinity, TOLERANCE.exact);
}

/**
 * Of a LoRA matrix that moved by less than 1 % of the way that AdamW goes at full steps (`reach`, the sum of the learning rates): its gradient
 * is zero but for rounding (queries and keys of an attention over one position), so it is held to 1 % of that way, not of its own noise.
 */
function weightError(actual: FloatTensor, expected: FloatTensor, start: FloatTensor | undefined, reach: number): number {
  const noise = start !== undefined && expected.data.every((v, i) => Math.abs(v - start.data[i]!) < 0.01 * reach);
  if (!noise) return relativeError(actual, expected);
  const largest = expected.data.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return relativeError(actual, expected) * ((largest || 1) / Math.max(largest, reach));
}

/** Final weights, or EMA weights, against the folder's. */
function* compareWeights(section: string, name: string, run: FollowedRun, kind: 'final' | 'ema', f: Weights, names: string[], reach: number): Generator<ParityFinding> {
  const prefix = `${name}.${kind}.`, errors: number[] = [];
  for (const [key, t] of f) {
    if (!key.startsWith(prefix)) continue;
    const weight = key.slice(prefix.length), { shape, data } = asWeight(weight, t);
    const variable = variableOf(weight);
    const start = f.get(`${name}.init.${weight}`), actual = run.executor.read(kind === 'ema' ? emaName(variable) : variable);
    errors.push(weightError({ shape, data: actual }, { shape, data }, start && asWeight(weight, start), reach));
  }
  const missing = lacking(f, names.map((weight) => `${prefix}${weight}`));
  if (errors.length) yield judge(section, `${name}: ${kind} weights`, Math.max(...errors), TOLERANCE.weights);
  if (missing.length) yield absentPart(section, `${name}: ${kind} weights`, missing);
}

const namesUnder = (f: Weights, prefix: string): string[] => [...f.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));

/** Everything of one run, or what of it the files lack. `weights`: names of the UNet's. */
export async function* compareRun(section: string, name: string, { config, steps }: Recorded, run: FollowedRun, f: Weights, weights: ReadonlySet<string>): AsyncGenerator<ParityFinding> {
  yield* compareSteps(section, name, run, steps);
  const names = config.lora === undefined ? KEPT.filter((weight) => weights.has(weight)) : namesUnder(f, `${name}.init.`);
  const reach = steps.reduce((sum, { lr }) => sum + (lr ?? 0), 0);
  yield* compareWeights(section, name, run, 'final', f, names, reach);
  if (config.ema !== undefined) yield* compareWeights(section, name, run, 'ema', f, names, reach);
}

/** What the run is computed from that the files lack. */
function lackingInputs(name: string, recorded: Partial<Recorded> | undefined, f: Weights, model: TinyModel): string[] {
  if (!recorded) return [name];
  const fields = lacking({ has: (key) => Object.hasOwn(recorded, key) }, ['config', 'lr', 'steps']).map((key) => `${name}.${key}`);
  const batches = lacking(f, ['latents', 'noise', 'timesteps', 'prompt_embeds', ...(model.unet.addition_embed_type ? ['pooled', 'time_ids'] : [])]);
  const init = recorded.config?.lora === undefined ? [] : namesUnder(f, `${name}.final.`).map((weight) => `${name}.init.${weight}`);
  const none = recorded.config?.lora !== undefined && !namesUnder(f, `${name}.init.`).length && !init.length ? [`${name}.init.*`] : [];
  return [...fields, ...batches, ...lacking(f, init), ...none];
}

/** The configurations of the folder that are `wanted`, on one backend. */
export async function* trainingRuns(section: string, dir: string, backend: BackendChoice, wanted: (name: string) => boolean = () => true): AsyncGenerator<ParityFinding> {
  const f = await readFixture(dir, 'training'), model = await readModel(dir);
  const recorded = await readJson(`${dir}/training.json`) as Record<string, Recorded>;
  for (const name of new Set([...Object.keys(recorded), ...RUNS])) {
    if (!wanted(name)) continue;
    const missing = lackingInputs(name, recorded[name], f, model);
    if (missing.length) { yield absentPart(section, name, missing); continue; }
    const { config, lr } = recorded[name]!, executor: Executor = await createExecutor({ backend });
    try {
      const run = new TrainingRun(executor, model, config, lr, f, trainablesOf(name, config, f, model));
      yield* compareRun(section, name, recorded[name]!, run, f, new Set(model.unetWeights.keys()));
    } finally { executor.dispose(); }
  }
}

const section = (name: string, backend: BackendChoice): ParitySection => ({
  name,
  files: ['training.safetensors', 'training.json', 'tiny-sdxl/scheduler/scheduler_config.json', ...['unet', 'vae'].flatMap((c) => [`tiny-sdxl/${c}/config.json`, `tiny-sdxl/${c}/diffusion_pytorch_model.safetensors`])],
  run: (dir) => trainingRuns(name, dir, backend),
});

export const training = section('training, compiled', 'tensorflow');
export const trainingEager = section('training, op by op', 'tensorflow-eager');
