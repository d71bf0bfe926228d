/** One training configuration of the fixtures, run by the engine's own step. */
import type { Executor, HostTensor } from '../backend/executor.ts';
import { alphasCumprod, type NoiseScheduleConfig } from '../diffusion/noiseSchedule.ts';
import type { PredictionType } from '../diffusion/prediction.ts';
import type { LplOptions } from '../losses/lplOptions.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import type { ModelContext } from '../models/context.ts';
import { unetForward, type UnetConfig } from '../models/unet.ts';
import type { VaeConfig } from '../models/vae.ts';
import { padChosen, padWeights } from '../program/lplCounts.ts';
import { adamw } from '../optim/adamw.ts';
import { emaDecay } from '../optim/ema.ts';
import { learningRate, type LrScheduler } from '../optim/lrSchedule.ts';
import { variableName } from '../run/baseModel.ts';
import { stateContext } from '../run/stateContext.ts';
import { chosenSamples, weightInputs } from '../step/hostInputs.ts';
import { lossInputs, updateInputs, type Conditioning, type Networks, type StepOptions } from '../step/stepOptions.ts';
import { declareOptimizer } from '../step/update.ts';
import { emaName, trainedContext, type Trainables } from '../trainables/trainables.ts';
import { accumulateStep, applyStep, trainStep } from '../trainStep.ts';
import { toNhwc, type FloatTensor, type Weights } from './fixture.ts';

/** A configuration as make_goldens.py writes it. */
export interface TrainingConfig {
  lora?: number;
  lpl?: Partial<LplOptions>;
  lpl_weight?: number;
  lpl_t_threshold?: number;
  lpl_start?: number;
  lpl_scale?: boolean;
  snr_gamma?: number;
  prediction_type?: PredictionType;
  ema?: number;
  accumulate?: number;
  lr_scheduler?: LrScheduler;
  warmup?: number;
}
export interface LoggedStep { diffusion_loss: number; lpl_loss: number; total_loss: number; lpl_samples: number; grad_norm?: number; lr?: number }
export interface TinyModel { schedule: NoiseScheduleConfig; unet: UnetConfig; vae: VaeConfig; unetWeights: Weights; vaeWeights: Weights }

/** The script's own defaults, unlike the recommended ones. */
const LPL_DEFAULTS: LplOptions = { loss_type: 'mse', norm_type: 'default', pow_law: false, num_blocks: 4, remove_outliers: true };

export class TrainingRun {
  readonly executor: Executor;
  private readonly config: TrainingConfig;
  private readonly lr: number;
  private readonly schedule: NoiseScheduleConfig;
  private readonly batches: Weights;
  private readonly networks: Networks;
  private readonly options: StepOptions;
  private readonly steps: number;

  /** Declares the model's variables and the optimizer's state in `executor`. */
  constructor(executor: Executor, model: TinyModel, config: TrainingConfig, lr: number, batches: Weights, trainables: Trainables) {
    this.executor = executor;
    this.config = config;
    this.lr = lr;
    this.schedule = model.schedule;
    this.batches = batches;
    this.steps = batches.get('timesteps')!.shape[0]!;
    declareWeights(executor, 'unet', model.unetWeights);
    if (config.lpl) declareWeights(executor, 'vae', model.vaeWeights);
    for (const { name, shape, init } of trainables.list) {
      if (init) executor.declare(name, { shape }, init());
      if (config.ema) executor.declare(emaName(name), { shape }, init ? init() : model.unetWeights.get(name.slice('unet.'.length))!.data);
    }
    this.networks = networks(model, trainables);
    this.options = {
      trained: trainables.list.map((t) => t.name), predictionType: config.prediction_type ?? 'epsilon', optimizer: adamw(), maxGradNorm: 1,
      ema: config.ema !== undefined, accumulation: config.accumulate ?? 1,
      ...(config.lpl ? { lpl: { options: { ...LPL_DEFAULTS, ...config.lpl }, weight: config.lpl_weight ?? 1, targets: 'computed' } } : {}),
    };
    declareOptimizer(executor, this.options);
    this.defineSteps();
  }

  /**
   * Timesteps of batch `s`, which of its samples take part in LPL at the optimizer step it belongs to, and how many places the step has
   * for them: none, or the whole batch's (as in training, places left over are filled with weight zero; one graph serves every batch).
   */
  private plan(s: number): { timesteps: Int32Array; chosen: number[]; places: number } {
    const timesteps = Int32Array.from(row(this.batches.get('timesteps')!, s).data), step = Math.floor(s / this.options.accumulation);
    const applies = this.config.lpl && step >= (this.config.lpl_start ?? 0);
    const chosen = applies ? chosenSamples(timesteps, this.config.lpl_t_threshold ?? 200) : [];
    return { timesteps, chosen, places: chosen.length ? timesteps.length : 0 };
  }

  private defineSteps(): void {
    const conditioning = Object.fromEntries(Object.entries(this.conditioning(0)).map(([name, { shape }]) => [name, { shape, dtype: 'float32' }])) as Conditioning;
    const [n, h, w, c] = toNhwc(row(this.batches.get('latents')!, 0)).shape as [number, number, number, number];
    const accumulates = this.options.accumulation > 1;
    for (let s = 0; s < this.steps; s++) {
      const chosen = this.plan(s).places;
      const inputs = lossInputs({ n, h, w, c, chosen }, conditioning, {});
      const fn = accumulates ? accumulateStep(this.networks, this.options, chosen) : trainStep(this.networks, this.options, chosen);
      if (!this.executor.isDefined(`step${chosen}`)) this.executor.define(`step${chosen}`, { ...inputs, ...(accumulates ? {} : updateInputs(this.options)) }, fn);
    }
    if (accumulates) this.executor.define('apply', updateInputs(this.options), applyStep(this.options));
  }

  private conditioning(s: number): Record<string, HostTensor> {
    const own = ([['promptEmbeds', 'prompt_embeds'], ['pooled', 'pooled'], ['timeIds', 'time_ids']] as const).filter(([, key]) => this.batches.has(key)); // a UNet without text_time needs no more than the first
    return Object.fromEntries(own.map(([name, key]) => [name, row(this.batches.get(key)!, s)]));
  }

  /** The optimizer's numbers at optimizer step `step` (from 0). */
  private updateNumbers(step: number): { inputs: Record<string, HostTensor>; lr: number } {
    const { accumulate = 1, lr_scheduler = 'constant', warmup = 0, ema } = this.config;
    const lr = learningRate(step, { lr_scheduler, learning_rate: this.lr, lr_warmup_steps: warmup, max_train_steps: Math.floor(this.steps / accumulate) });
    const scalars = Float32Array.from(this.options.optimizer.scalars(step + 1, lr));
    const keep: Record<string, HostTensor> = ema === undefined ? {} : { one_minus_ema_decay: { shape: [1], data: Float32Array.of(1 - emaDecay(step + 1, { decay: ema })) } };
    return { lr, inputs: { optimizer_scalars: { shape: [scalars.length], data: scalars }, ...keep } };
  }

  /** Runs every batch; yields what the reference logs of each. */
  async *run(): AsyncGenerator<LoggedStep> {
    const { predictionType, accumulation } = this.options;
    const weighting = { alphas: alphasCumprod(this.schedule), predictionType, snrGamma: this.config.snr_gamma ?? null, lplScale: this.config.lpl_scale ?? false };
    for (let s = 0; s < this.steps; s++) {
      const { timesteps, chosen, places } = this.plan(s), number = this.updateNumbers(Math.floor(s / accumulation));
      const latents = toNhwc(row(this.batches.get('latents')!, s)), noise = toNhwc(row(this.batches.get('noise')!, s));
      const inputs: Record<string, HostTensor> = { latents, noise, ...this.conditioning(s), ...weightInputs(weighting, timesteps, null, places ? padChosen(chosen, places) : []) };
      if (places) inputs['lpl_loss_weight'] = padWeights(inputs['lpl_loss_weight']!, chosen.length);
      let out = await this.executor.run(`step${places}`, accumulation > 1 ? inputs : { ...inputs, ...number.inputs });
      const last = (s + 1) % accumulation === 0;
      const logged = { diffusion_loss: first(out, 'diffusion_loss'), lpl_loss: out['lpl_loss'] ? first(out, 'lpl_loss') : 0, total_loss: first(out, 'loss'), lpl_samples: this.config.lpl ? chosenSamples(timesteps, this.config.lpl_t_threshold ?? 200).length : 0 };
      if (last && accumulation > 1) out = await this.executor.run('apply', number.inputs);
      yield last ? { ...logged, grad_norm: first(out, 'grad_norm'), lr: number.lr } : logged;
    }
  }
}

const first = (out: Record<string, HostTensor>, name: string): number => out[name]!.data[0]!;

/** Entry `i` along the first axis. */
export function row({ shape, data }: FloatTensor, i: number): FloatTensor {
  const size = data.length / shape[0]!;
  return { shape: shape.slice(1), data: data.slice(i * size, (i + 1) * size) };
}

function declareWeights(executor: Executor, component: 'unet' | 'vae', weights: Weights): void {
  for (const [name, { shape, data }] of weights) executor.declare(variableName(component, name), { shape }, data);
}

function networks(model: TinyModel, trainables: Trainables): Networks {
  return {
    predict: (state, noisy, timestep, { promptEmbeds, pooled, timeIds }) =>
      unetForward(trainedContext(state, 'unet', trainables) satisfies ModelContext, model.unet, { sample: noisy, timestep, encoderHiddenStates: promptEmbeds!, ...(pooled ? { textEmbeds: pooled } : {}), ...(timeIds ? { timeIds } : {}) }),
    decoder: (state) => vaeLatentDecoder(stateContext(state, 'vae'), model.vae),
  };
}
