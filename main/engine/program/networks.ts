/** The UNet with what is trained, and the frozen decoder, as the training step takes them. */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { State } from '../backend/executor.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import { unetForward } from '../models/unet.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Networks } from '../step/stepOptions.ts';
import type { Tensor, TensorMap } from '../tf.ts';
import { trainedContext, type ContextOptions, type Trainables } from '../trainables/trainables.ts';

/** The UNet's prediction from inputs by name: promptEmbeds and, for SDXL, pooled and timeIds. */
export function predictNoise(base: BaseModel, trainables: Trainables, state: State, noisy: Tensor, timestep: Tensor, inputs: TensorMap, options: ContextOptions = {}): Tensor {
  const { promptEmbeds, pooled, timeIds } = inputs;
  return unetForward(trainedContext(state, 'unet', trainables, options), base.unet, {
    sample: noisy, timestep, encoderHiddenStates: promptEmbeds!, ...(pooled ? { textEmbeds: pooled, timeIds: timeIds! } : {}),
  });
}

export function trainedNetworks(base: BaseModel, trainables: Trainables, { training, lpl }: Pick<RunConfig, 'training' | 'lpl'>): Networks {
  return {
    predict: (state, noisy, timestep, inputs) => predictNoise(base, trainables, state, noisy, timestep, inputs, { checkpointing: training.gradient_checkpointing }),
    decoder: (state) => vaeLatentDecoder({ ...stateContext(state, 'vae'), checkpointing: lpl.lpl_gradient_checkpointing }, base.vae),
  };
}
