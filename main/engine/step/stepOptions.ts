/** What a training step is made of: networks, losses, optimizer; and what it is fed. */
import type { InputSpec, State } from '../backend/executor.ts';
import type { PredictionType } from '../diffusion/prediction.ts';
import type { LatentDecoder } from '../losses/latentPerceptualLoss.ts';
import type { LplOptions } from '../losses/lplOptions.ts';
import type { Optimizer } from '../optim/optimizer.ts';
import type { Tensor, TensorMap } from '../tf.ts';

export interface Networks {
  /** The trained network's output [N,h,w,C] for noisy latents, timesteps [N] and the step's conditioning inputs. */
  predict(state: State, noisy: Tensor, timestep: Tensor, inputs: TensorMap): Tensor;
  /** The frozen VAE decoder; only called when the step has a Latent Perceptual Loss. */
  decoder?(state: State): LatentDecoder;
}

export interface StepOptions {
  /** trained variables of the executor, by name */
  trained: string[];
  predictionType: PredictionType;
  optimizer: Optimizer;
  /** variables with a learning rate of their own (text encoders): fed as `optimizer_scalars_second` */
  second?: (variable: string) => boolean;
  /** gradients are scaled down to this norm; 0: never */
  maxGradNorm: number;
  /** keep `ema.<name>` of every trained variable */
  ema: boolean;
  /** batches whose gradients are averaged before the optimizer's step */
  accumulation: number;
  /** the loss is multiplied by the input `loss_scale` before it is differentiated, and gradients divided by it: see lossScale.ts */
  lossScaling?: boolean;
  lpl?: { options: LplOptions; weight: number; /** targets are given (from a cache), or computed within the step */ targets: 'fed' | 'computed' };
}

/** Shape of one batch: latents [n,h,w,c], of which `chosen` take part in LPL. */
export interface BatchShape { n: number; h: number; w: number; c: number; chosen: number }

/** Conditioning inputs by name: promptEmbeds, pooled, timeIds. */
export type Conditioning = Record<string, InputSpec>;

const float = (...shape: number[]): InputSpec => ({ shape, dtype: 'float32' });

/**
 * Inputs of the loss: scaled latents, noise, timesteps, α_t and σ_t, each sample's weight in the diffusion loss. With chosen samples
 * also which they are (`lpl_select` [k,n], rows one-hot), each one's weight, and the targets when they are fed.
 */
export function lossInputs({ n, h, w, c, chosen }: BatchShape, conditioning: Conditioning, fedTargets: Record<string, InputSpec>, lossScaling = false): Record<string, InputSpec> {
  const latent = float(n, h, w, c);
  return {
    latents: latent, noise: latent, timestep: { shape: [n], dtype: 'int32' }, alpha: float(n, 1, 1, 1), sigma: float(n, 1, 1, 1), loss_weight: float(n),
    ...conditioning, ...(lossScaling ? { loss_scale: float(1) } : {}),
    ...(chosen ? { lpl_select: float(chosen, n), lpl_loss_weight: float(chosen) } : {}),
    ...Object.fromEntries(Object.entries(fedTargets).map(([name, spec]) => [`lpl_${name}`, spec])),
  };
}

/** Inputs of the optimizer: its numbers of this step, and 1 − EMA decay. */
export function updateInputs({ optimizer, ema, second }: StepOptions): Record<string, InputSpec> {
  const scalars = float(optimizer.scalars(1, 1).length);
  return { optimizer_scalars: scalars, ...(second ? { optimizer_scalars_second: scalars } : {}), ...(ema ? { one_minus_ema_decay: float(1) } : {}) };
}
