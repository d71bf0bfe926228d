/**
 * Times the training step on a model with random weights: the same step, inputs and fields as ../shared/bench/reference_step.py, so that both
 * can be run in turn. The target's features are computed once and fed, as with cached latents.
 */
import type { Executor, HostTensor, InputSpec, Precision, StorageDtype } from './backend/executor.ts';
import { cpuPlan, partsOn } from './backend/cpuPlan.ts';
import { createExecutor, type BackendChoice } from './backend/select.ts';
import { sizeOf } from './backend/stepCheck.ts';
import { declareBenchWeights, openBenchModel, type BenchModel } from './bench/benchModel.ts';
import { profileStep, type Profile } from './bench/profile.ts';
import { alphasCumprod } from './diffusion/noiseSchedule.ts';
import { trainedNetworks } from './program/networks.ts';
import { targetsPlan } from './program/targetsPlan.ts';
import { adamw } from './optim/adamw.ts';
import { normal } from './random.ts';
import { conditioningSpecs } from './run/specs.ts';
import { weightInputs } from './step/hostInputs.ts';
import { FIRST_SCALE, needsLossScale } from './step/lossScale.ts';
import { lossInputs, updateInputs, type Networks, type StepOptions } from './step/stepOptions.ts';
import { declareOptimizer } from './step/update.ts';
import { targetsInput, targetsStep, trainStep } from './trainStep.ts';
import { declareTrainables, planTrainables, trainedValues } from './trainables/trainables.ts';

export interface BenchOptions {
  config: string;
  mode: 'lora' | 'full';
  lpl: boolean;
  batch: number;
  /** share of the batch below the LPL threshold */
  below: number;
  steps: number;
  /** untimed steps before them; 2 by default */
  warmup?: number;
  precision: Precision;
  /** storage of weights that are not trained */
  frozen: Precision;
  checkpointing: boolean;
  backend: BackendChoice;
  /** LPL targets: computed once and fed, as with cached latents, or computed in every step, which keeps no copy of them on the host; auto: see targetsPlan */
  targets?: 'fed' | 'computed' | 'auto';
  /** also say where the time goes */
  profile?: boolean;
}

/** reference_step.py's fields; `peak_rss_mb` is the process's peak. */
export interface BenchResult {
  engine: string; mode: string; bf16: number; lpl: number; batch: number; below: number;
  seconds_per_step: number; min: number; max: number; unet_params: number; peak_rss_mb: number; compile_seconds: number; profile?: Profile;
}

const storage = { fp32: 'float32', bf16: 'bfloat16', fp16: 'float16' } as const satisfies Record<Precision, StorageDtype>;
const WARMUP = 2;

/** A step that is ready to be run again and again. */
export interface BenchStep { executor: Executor; parameters: number; feed(i: number): Record<string, HostTensor>; networks: Networks; options: StepOptions; inputs: Record<string, InputSpec>; chosen: number }

/** Runs the bench; `onProgress` is told the stages. Throws bench.no_config, engine.*. */
export async function bench(options: BenchOptions, onProgress: (stage: string) => void = () => undefined): Promise<BenchResult> {
  const step = await openBenchStep(options, onProgress);
  try {
    onProgress('compiling and warming up');
    const started = performance.now(), times: number[] = [];
    const warmup = options.warmup ?? WARMUP;
    let compiled = 0;
    for (let i = 0; i < options.steps + warmup; i++) {
      const inputs = step.feed(i), before = performance.now();
      const out = await step.executor.run('train', inputs);
      if (out['finite']!.data[0] !== 1) throw new Error(`step ${i} is not finite: loss ${out['loss']!.data[0]}`);
      if (i === 0) compiled = (performance.now() - started) / 1000;
      if (i >= warmup) times.push((performance.now() - before) / 1000);
    }
    const result = summary(step, options, times, compiled);
    const profile = options.profile ? profileStep(step.executor, result.seconds_per_step) : undefined;
    return { ...result, ...(profile ? { profile } : {}) };
  } finally { step.executor.dispose(); }
}

function summary({ executor: { info }, parameters }: BenchStep, o: BenchOptions, times: number[], compiled: number): BenchResult {
  const sorted = times.toSorted((a, b) => a - b);
  return {
    engine: `${info.version} ${info.kind}`, mode: o.mode, bf16: o.precision === 'bf16' ? 1 : 0, lpl: o.lpl ? 1 : 0, batch: o.batch, below: o.below,
    seconds_per_step: sorted[sorted.length >> 1]!, min: sorted[0]!, max: sorted.at(-1)!, unet_params: parameters,
    peak_rss_mb: process.resourceUsage().maxRSS / 1024, compile_seconds: compiled,
  };
}

/** Declares weights and optimizer, defines the step "train", and computes the LPL targets that it is fed. */
export async function openBenchStep(o: BenchOptions, onProgress: (stage: string) => void): Promise<BenchStep> {
  const model = openBenchModel(o.config), { base, latentSize } = model;
  const method = { type: o.mode, rank: 8, alpha: 8, dropout: 0, targets: 'attention', target_pattern: '', train_text_encoder: false } as const;
  const trainables = await planTrainables({ method, model: { lora: null }, training: { seed: 1 } } as unknown as Parameters<typeof planTrainables>[0], base.source);
  const plan = cpuPlan({ threads: 0, batch: o.batch, trainedValues: trainedValues(trainables) });
  const executor = await createExecutor({ backend: o.backend, precision: o.precision, threads: plan.threads, onWarning: onProgress });
  onProgress('declaring weights');
  const frozen = storage[o.frozen];
  const unetParameters = declareBenchWeights(executor, base, o.mode === 'full' ? 'float32' : frozen, frozen);
  await declareTrainables(executor, base.source, trainables, false);
  const networks = trainedNetworks(base, trainables, { training: { gradient_checkpointing: o.checkpointing }, lpl: { lpl_gradient_checkpointing: o.checkpointing } } as Parameters<typeof trainedNetworks>[2], partsOn(executor, plan));
  const options: StepOptions = {
    trained: trainables.list.map((t) => t.name), predictionType: 'epsilon', optimizer: adamw(), maxGradNorm: 1, ema: false, accumulation: 1, lossScaling: needsLossScale(executor.info.precision),
    ...(o.lpl ? { lpl: { options: { loss_type: 'mse', norm_type: 'default', pow_law: false, num_blocks: 4, remove_outliers: true }, weight: 1, targets: (o.targets ?? 'auto') === 'auto' ? targetsPlan(executor) : o.targets as 'fed' | 'computed' } } : {}),
  };
  declareOptimizer(executor, options);
  const chosen = o.lpl ? Math.round(o.below * o.batch) : 0;
  const targets = chosen && options.lpl!.targets === 'fed' ? await computeTargets(executor, networks, options, model, chosen) : {};
  const fed = Object.fromEntries(Object.entries(targets).map(([name, t]) => [name, { shape: t.shape, dtype: 'float32' as const }]));
  const inputs = { ...lossInputs({ n: o.batch, h: latentSize, w: latentSize, c: 4, chosen }, conditioningSpecs(base, o.batch), fed, options.lossScaling), ...updateInputs(options) };
  executor.define('train', inputs, trainStep(networks, options, chosen));
  const lora = trainables.lora ? trainedValues(trainables) : 0;
  const feed = feeder(o, model, options, inputs, Object.fromEntries(Object.entries(targets).map(([name, t]) => [`lpl_${name}`, t])));
  return { executor, parameters: unetParameters + lora, feed, networks, options, inputs, chosen };
}

const latentsOf = (count: number, size: number, index: number): HostTensor => ({ shape: [count, size, size, 4], data: normal({ seed: 1, stream: 'posterior', sample: index }, count * size * size * 4) });

/** The targets of `chosen` latents, as the run's cache would have them. */
async function computeTargets(executor: Executor, networks: Networks, { lpl }: StepOptions, { latentSize }: BenchModel, chosen: number): Promise<Record<string, HostTensor>> {
  executor.define('targets', targetsInput(chosen, latentSize, latentSize, 4), targetsStep(networks, lpl!.options));
  return executor.run('targets', { latents: latentsOf(chosen, latentSize, 0) });
}

/** Inputs of step i: fresh noise and timesteps, `below` of them under 200 of 1000. */
function feeder(o: BenchOptions, { base, latentSize }: BenchModel, options: StepOptions, inputs: Record<string, InputSpec>, targets: Record<string, HostTensor>): (i: number) => Record<string, HostTensor> {
  const alphas = alphasCumprod(base.schedule), count = Math.round(o.below * o.batch);
  const latents = latentsOf(o.batch, latentSize, 0);
  const random = (name: string, index: number): HostTensor => ({ shape: inputs[name]!.shape, data: normal({ seed: 2, stream: 'noise', sample: index }, sizeOf(inputs[name]!.shape)) });
  const pixels = 8 * latentSize, sizes = [pixels, pixels, 0, 0, pixels, pixels];
  const conditioning: Record<string, HostTensor> = Object.fromEntries(Object.keys(conditioningSpecs(base, o.batch)).map((name) => [name, random(name, 7)]));
  if (conditioning['timeIds']) conditioning['timeIds'].data = Float32Array.from({ length: 6 * o.batch }, (_, i) => sizes[i % 6]!);
  return (i) => {
    const timesteps = Int32Array.from({ length: o.batch }, (_, s) => (s < count ? (37 * i + 50 * s) % 200 : 200 + ((113 * i + 211 * s) % 800)));
    const chosen = o.lpl ? Array.from({ length: count }, (_, s) => s) : [];
    return {
      latents, noise: random('noise', 100 + i), ...conditioning, ...targets, ...(options.lossScaling ? { loss_scale: FIRST_SCALE } : {}),
      ...weightInputs({ alphas, predictionType: 'epsilon', snrGamma: null, lplScale: false }, timesteps, null, chosen),
      optimizer_scalars: { shape: inputs['optimizer_scalars']!.shape, data: Float32Array.from(options.optimizer.scalars(i + 1, 1e-4)) },
    };
  };
}
