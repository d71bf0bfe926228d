/** The run's training program: weights in the executor, and every step function that the run will need, defined on it. */
import type { RunConfig } from '../contract/runConfig.ts';
import type { Executor } from './backend/executor.ts';
import { openTokenizers } from './data/encodeText.ts';
import type { BatchPlan } from './data/batches.ts';
import { createOptimizer } from './optim/index.ts';
import { decoderStrips, trainedNetworks } from './program/networks.ts';
import { paddedCount } from './program/lplCounts.ts';
import { ProgramRunner } from './program/runner.ts';
import type { TargetCache } from './program/fedTargets.ts';
import { targetsPlan } from './program/targetsPlan.ts';
import { stepNumbers, textRate } from './program/stepNumbers.ts';
import { loadComponent, loadTextEncoders, type BaseModel } from './run/baseModel.ts';
import type { StageReporter } from './run/trainRun.ts';
import type { LplOptions } from './losses/lplOptions.ts';
import { needsLossScale } from './step/lossScale.ts';
import type { StepOptions } from './step/stepOptions.ts';
import { declareOptimizer, optimizerVariables } from './step/update.ts';
import type { TrainProgram } from './trainProgram.ts';
import { declareTrainables, emaName, trainedNames, type Trainables } from './trainables/trainables.ts';

export interface ProgramParts { executor: Executor; /** parts of a batch that are worked on at once */ parts: number; base: BaseModel; trainables: Trainables; /** text encoders are trained */ liveText: boolean; config: RunConfig; plan: BatchPlan; totalSteps: number; report: StageReporter; warn?: (code: string, message: string) => void }

/** Steps looked ahead for the shapes they need; later ones that need another are compiled when they come. */
const LOOK_AHEAD = 20_000;

/** Loads the weights and defines the steps. Throws model.*, config.*. */
export async function buildProgram(parts: ProgramParts): Promise<TrainProgram> {
  const { executor, base, trainables, liveText, config, plan, totalSteps, report } = parts;
  await loadWeights(parts);
  await declareTrainables(executor, base.source, trainables, config.training.use_ema);
  const options = { ...stepOptions(config, base, trainables, executor), lossScaling: needsLossScale(executor.info.precision) }, kept = trainables.list.map((t) => t.name);
  declareOptimizer(executor, options);
  const numbers = stepNumbers(config, base, options.optimizer, totalSteps, await openTokenizers(base.source));
  const runner = new ProgramRunner({ executor, base, options, numbers, networks: trainedNetworks(base, trainables, config, parts.parts), method: config.method, liveText, targetCache: await targetCache(parts), onFirstUse: ([width, height], chosen) => report('compiling', `getting the first step at ${width} × ${height} px${config.lpl.enabled ? ` ${chosen ? 'with' : 'without'} LPL` : ''} ready, which takes a while`, 0, 0) });
  let inLpl = 0;
  for (let step = 0; step < Math.min(totalSteps, LOOK_AHEAD); step++) {
    const timesteps = numbers.timesteps(step);
    plan.buckets(step).forEach((bucket, m) => {
      const chosen = numbers.chosen(step, timesteps[m]!).length;
      inLpl += chosen;
      runner.define(bucket, config.training.train_batch_size, paddedCount(chosen, config.training.train_batch_size));
    });
  }
  if (options.lpl && inLpl === 0 && totalSteps <= LOOK_AHEAD) parts.warn?.('lpl.no_step', neverInLpl(config, totalSteps));
  return {
    executor,
    groups: { weights: kept, optimizer: optimizerVariables(executor, options), ema: options.ema ? kept.map(emaName) : [] },
    step: (step, batches) => runner.step(step, batches),
  };
}

function neverInLpl({ lpl: { lpl_t_threshold: threshold, lpl_start: start } }: RunConfig, steps: number): string {
  const why = start >= steps ? `it begins with step ${start}. Let it begin sooner, or train longer.`
    : `no sample's timestep lies below the threshold of ${threshold}. Turn on stratified timesteps (lpl_stratified), or train longer or in larger batches.`;
  return `LPL is on, but none of this run's ${steps} steps trains it: ${why}`;
}

async function targetCache({ base, config: { lpl, training }, parts, warn }: ProgramParts): Promise<TargetCache> {
  const { lpl_cache_mb: memoryMb, lpl_cache_disk_mb: diskMb } = lpl;
  return { memoryMb, diskMb, decoderHash: diskMb > 0 ? `${await base.source.hash('vae')} ${training.frozen_precision} ${decoderStrips(lpl, parts)}` : '', warn: warn ?? (() => {}) };
}

/** The decoder: for samples, validation and LPL. */
const isDecoderWeight = (name: string): boolean => name.startsWith('decoder.') || name.startsWith('post_quant_conv.');

async function loadWeights({ executor, base, trainables, liveText, config, report }: ProgramParts): Promise<void> {
  const { frozen_precision } = config.training;
  const frozen = { fp32: 'float32', bf16: 'bfloat16', fp16: 'float16' } as const;
  const onProgress = (text: string) => (done: number, total: number): void => report('loading_weights', text, done, total);
  await loadComponent(executor, base.source, 'unet', { dtype: trainables.lora ? frozen[frozen_precision] : 'float32', onProgress: onProgress('loading the UNet') });
  if (liveText) await loadTextEncoders(executor, base.source, { dtype: frozen[frozen_precision], onProgress: onProgress('loading the text encoders') });
  await loadComponent(executor, base.source, 'vae', { dtype: frozen[frozen_precision], filter: isDecoderWeight, onProgress: onProgress('loading the VAE\'s decoder') });
}

function stepOptions({ training, optimizer, lpl, data, method }: RunConfig, base: BaseModel, trainables: Trainables, executor: Executor): StepOptions {
  const options: LplOptions = {
    loss_type: lpl.lpl_loss_type, norm_type: lpl.lpl_norm_type, pow_law: lpl.lpl_pow_law, remove_outliers: lpl.lpl_remove_outliers, feature_type: lpl.lpl_feature_type,
    num_blocks: Math.min(lpl.lpl_num_blocks, base.vae.block_out_channels.length),
  };
  return {
    trained: trainedNames(trainables), predictionType: base.predictionType, optimizer: createOptimizer(optimizer), maxGradNorm: optimizer.max_grad_norm,
    ...(textRate({ method, optimizer }) === null ? {} : { second: (name: string) => name.startsWith('lora.text_encoder') }),
    ema: training.use_ema, accumulation: training.gradient_accumulation_steps,
    ...(lpl.enabled && lpl.lpl_weight > 0 ? { lpl: { options, weight: lpl.lpl_weight, targets: data.latents === 'mean' && lpl.lpl_cache_mb + lpl.lpl_cache_disk_mb > 0 ? targetsPlan(executor) : 'computed' as const } } : {}),
  };
}
