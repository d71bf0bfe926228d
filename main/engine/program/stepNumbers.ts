/** The host's numbers of one optimizer step: timesteps, noise, weights, learning rate. All of them functions of (seed, step, sample). */
import { AppError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { HostTensor } from '../backend/executor.ts';
import { tokenInputs, type Tokenizers } from '../data/encodeText.ts';
import type { HostBatch } from '../data/loadBatch.ts';
import { alphasCumprod } from '../diffusion/noiseSchedule.ts';
import { drawTimesteps, timestepProbabilities } from '../diffusion/timesteps.ts';
import { trainingNoise } from '../diffusion/trainingNoise.ts';
import { emaDecay } from '../optim/ema.ts';
import { learningRate } from '../optim/lrSchedule.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import { uniform } from '../random.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { chosenSamples, weightInputs, type LossWeighting } from '../step/hostInputs.ts';

export interface StepNumbers {
  /** timesteps of every micro-batch of the step */
  timesteps(step: number): Int32Array[];
  /** samples of a micro-batch that take part in LPL in this step */
  chosen(step: number, timesteps: Int32Array): number[];
  lossInputs(step: number, micro: number, batch: HostBatch, timesteps: Int32Array, chosen: number[]): Record<string, HostTensor>;
  updateInputs(step: number): Record<string, HostTensor>;
  lr(step: number): number;
  readonly weighting: LossWeighting;
}

export function stepNumbers(config: RunConfig, base: BaseModel, optimizer: Optimizer, totalSteps: number, tokenizers: Tokenizers): StepNumbers {
  const { training, diffusion, lpl, method, optimizer: o } = config, n = training.train_batch_size, micros = training.gradient_accumulation_steps;
  const probabilities = timestepProbabilities(diffusion, base.schedule.num_train_timesteps);
  const weighting: LossWeighting = { alphas: alphasCumprod(base.schedule), predictionType: base.predictionType, snrGamma: diffusion.snr_gamma, lplScale: lpl.lpl_scale };
  const schedule = { ...o, learning_rate: o.learning_rate * (o.scale_lr ? n * micros : 1), max_train_steps: totalSteps };
  const rate = textRate(config), textSchedule = rate === null ? null : { ...schedule, learning_rate: rate * (o.scale_lr ? n * micros : 1) };
  if (lpl.enabled && lpl.lpl_weight > 0 && lpl.lpl_t_threshold > base.schedule.num_train_timesteps) {
    throw new AppError('config.lpl_threshold', `The LPL threshold ${lpl.lpl_t_threshold} lies beyond the schedule's ${base.schedule.num_train_timesteps} timesteps.`, 'Lower it; 200 of 1000 is the usual choice.');
  }
  return {
    weighting,
    timesteps(step) {
      const all = drawTimesteps(probabilities, training.seed, step, n * micros, lpl.lpl_stratified); // with LPL off too: two arms of a comparison see the same timesteps
      return Array.from({ length: micros }, (_, m) => all.subarray(m * n, (m + 1) * n));
    },
    chosen: (step, timesteps) => (lpl.enabled && lpl.lpl_weight > 0 && step >= lpl.lpl_start ? chosenSamples(timesteps, lpl.lpl_t_threshold) : []),
    lossInputs(step, micro, batch, timesteps, chosen) {
      const shape = batch.latents.shape as [number, number, number, number];
      return {
        latents: batch.latents, noise: { shape, data: trainingNoise(training.seed, step, shape, diffusion.noise_offset, micro * n) },
        ...textInputs(batch, tokenizers, base), ...(method.type === 'lora' && method.dropout > 0 ? { dropout_draw: vector([...uniform({ seed: training.seed, stream: 'lora_dropout', step, sample: micro }, 1)]) } : {}),
        ...weightInputs(weighting, timesteps, batch.weights.data, chosen),
      };
    },
    updateInputs: (step) => ({
      optimizer_scalars: vector(optimizer.scalars(step + 1, learningRate(step, schedule))),
      ...(textSchedule ? { optimizer_scalars_second: vector(optimizer.scalars(step + 1, learningRate(step, textSchedule))) } : {}),
      ...(training.use_ema ? { one_minus_ema_decay: vector([1 - emaDecay(step + 1, { decay: training.ema_decay })]) } : {}),
    }),
    lr: (step) => learningRate(step, schedule),
  };
}

/** The text encoders' learning rate; null where there is none of their own. */
export const textRate = ({ method, optimizer }: Pick<RunConfig, 'method' | 'optimizer'>): number | null =>
  (method.type === 'lora' && method.train_text_encoder ? optimizer.text_encoder_lr : null);

/** Embeddings where the batch has them, else token ids; SDXL's sizes. */
function textInputs({ captions, promptEmbeds, pooled, timeIds }: HostBatch, tokenizers: Tokenizers, { unet }: BaseModel): Record<string, HostTensor> {
  const sizes: Record<string, HostTensor> = unet.addition_embed_type ? { timeIds } : {};
  return promptEmbeds ? { promptEmbeds, ...(pooled ? { pooled } : {}), ...sizes } : { ...tokenInputs(tokenizers, captions), ...sizes };
}

const vector = (values: number[]): HostTensor => ({ shape: [values.length], data: Float32Array.from(values) });
