/** Parity of training: ten optimizer steps under eight configurations, losses and norms at each step, final weights, EMA. */
import { createExecutor, type BackendChoice } from '../backend/select.ts';
import type { Executor } from '../backend/executor.ts';
import { parseUnetConfig } from '../models/unet.ts';
import { parseVaeConfig } from '../models/vae.ts';
import { tfjsShape, toTfjsLayout } from '../checkpoint/layout.ts';
import { variableName } from '../run/baseModel.ts';
import { downName, emaName, upName, type LoraPlace, type Trainable, type Trainables } from '../trainables/trainables.ts';
import { readFixture, readJson, readWeights, relativeError, type FloatTensor, type Weights } from './fixture.ts';
import { judge, TOLERANCE, type ParityResult, type ParitySection } from './section.ts';
import { TrainingRun, type LoggedStep, type TinyModel, type TrainingConfig } from './trainingRun.ts';

interface Recorded { config: TrainingConfig; lr: number; steps: LoggedStep[] }

async function readModel(dir: string): Promise<TinyModel> {
  const part = (name: string): string => `${dir}/tiny-sdxl/${name}`;
  return {
    unet: parseUnetConfig(await readJson(part('unet/config.json'))), vae: parseVaeConfig(await readJson(part('vae/config.json'))),
    unetWeights: await readWeights(part('unet/diffusion_pytorch_model.safetensors')), vaeWeights: await readWeights(part('vae/diffusion_pytorch_model.safetensors')),
  };
}

/** A fixture's weight in tfjs layout; LoRA matrices are linear maps. */
const asWeight = (name: string, { shape, data }: FloatTensor): FloatTensor => ({ shape: tfjsShape(name, shape), data: toTfjsLayout(name, shape, data) });

/** "….to_k.lora_A.weight" -> the executor's variable. */
function loraVariable(name: string): string {
  const layer = name.replace(/\.lora_[AB]\.weight$/, '');
  return name.endsWith('lora_A.weight') ? downName('unet', layer) : upName('unet', layer);
}

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

/** The largest error of each logged quantity over all steps. */
async function followSteps(run: TrainingRun, expected: LoggedStep[]): Promise<Record<string, number>> {
  const worst: Record<string, number> = {};
  let s = 0;
  for await (const got of run.run()) {
    const want = expected[s++];
    for (const key of KEYS) if (want?.[key] !== undefined || got[key] !== undefined) worst[key] = Math.max(worst[key] ?? 0, scalarError(got[key] ?? NaN, want?.[key] ?? NaN) || (got[key] === want?.[key] ? 0 : Infinity));
  }
  return s === expected.length ? worst : { ...worst, 'number of steps': Infinity };
}

/** Final weights, or EMA weights, against the folder's. */
function weightErrors(run: TrainingRun, name: string, kind: 'final' | 'ema', f: Weights): number | undefined {
  let worst: number | undefined;
  for (const [key, t] of f) {
    if (!key.startsWith(`${name}.${kind}.`)) continue;
    const weight = key.slice(name.length + kind.length + 2), { shape, data } = asWeight(weight, t);
    const variable = weight.includes('.lora_') ? loraVariable(weight) : variableName('unet', weight);
    const actual = run.executor.read(kind === 'ema' ? emaName(variable) : variable);
    worst = Math.max(worst ?? 0, relativeError({ shape, data: actual }, { shape, data }));
  }
  return worst;
}

/** The configurations of the folder that are `wanted`, on one backend. */
export async function* trainingRuns(section: string, dir: string, backend: BackendChoice, wanted: (name: string) => boolean = () => true): AsyncGenerator<ParityResult> {
  const f = await readFixture(dir, 'training'), model = await readModel(dir);
  const recorded = await readJson(`${dir}/training.json`) as Record<string, Recorded>;
  for (const [name, { config, lr, steps }] of Object.entries(recorded)) {
    if (!wanted(name)) continue;
    const executor: Executor = await createExecutor({ backend });
    try {
      const run = new TrainingRun(executor, model, config, lr, f, trainablesOf(name, config, f, model));
      for (const [key, error] of Object.entries(await followSteps(run, steps))) {
        yield judge(section, `${name}: ${key}`, error, key === 'grad_norm' ? TOLERANCE.gradient : TOLERANCE.loss, `largest of ${steps.length} steps`);
      }
      for (const kind of ['final', 'ema'] as const) {
        const error = weightErrors(run, name, kind, f);
        if (error !== undefined) yield judge(section, `${name}: ${kind} weights`, error, TOLERANCE.weights);
      }
    } finally { executor.dispose(); }
  }
}

const section = (name: string, backend: BackendChoice): ParitySection => ({
  name,
  files: ['training.safetensors', 'training.json', ...['unet', 'vae'].flatMap((c) => [`tiny-sdxl/${c}/config.json`, `tiny-sdxl/${c}/diffusion_pytorch_model.safetensors`])],
  run: (dir) => trainingRuns(name, dir, backend),
});

export const training = section('training, compiled', 'tensorflow');
export const trainingEager = section('training, op by op', 'tensorflow-eager');
