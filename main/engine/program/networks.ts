/** The UNet with what is trained, and the frozen decoder, as the training step takes them. */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { State } from '../backend/executor.ts';
import { encodeTokens } from '../data/encodeText.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import { unetForward } from '../models/unet.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Networks } from '../step/stepOptions.ts';
import type { Tensor, TensorMap } from '../tf.ts';
import { inParts } from './inParts.ts';
import { loraDropout } from '../trainables/loraDropout.ts';
import { trainedContext, type ContextOptions, type Trainables } from '../trainables/trainables.ts';

/**
 * The UNet's prediction from inputs by name: promptEmbeds and, for SDXL, pooled and timeIds; or token ids (ids, ids2) in place of the
 * embeddings, where the text encoders are trained too.
 */
export function predictNoise(base: BaseModel, trainables: Trainables, state: State, noisy: Tensor, timestep: Tensor, inputs: TensorMap, options: ContextOptions = {}): Tensor {
  const texts = inputs['ids'] ? encodeTokens(base.source, state, inputs, (s, component) => trainedContext(s, component, trainables, options)) : inputs;
  const { promptEmbeds, pooled } = texts, { timeIds } = inputs;
  return unetForward(trainedContext(state, 'unet', trainables, options), base.unet, {
    sample: noisy, timestep, encoderHiddenStates: promptEmbeds!, ...(pooled ? { textEmbeds: pooled, timeIds: timeIds! } : {}),
  });
}

/** Strips that the decoder's pictures are worked on in; their number decides the last bits of what it computes. */
export const decoderStrips = (lpl: RunConfig['lpl'], parts: number): number => (lpl.lpl_gradient_checkpointing ? 1 : parts);

/** `parts`: the batch and the decoder's pictures are worked on in that many parts at once (see backend/cpuPlan.ts). */
export function trainedNetworks(base: BaseModel, trainables: Trainables, { training, lpl, method }: Pick<RunConfig, 'training' | 'lpl' | 'method'>, parts = 1): Networks {
  return {
    predict: inParts(parts, (state, noisy, timestep, inputs) => predictNoise(base, trainables, state, noisy, timestep, inputs, {
      checkpointing: training.gradient_checkpointing, ...(inputs['dropout_draw'] ? { dropout: loraDropout(method.dropout, inputs['dropout_draw']) } : {}),
    })),
    decoder: (state) => vaeLatentDecoder({ ...stateContext(state, 'vae'), checkpointing: lpl.lpl_gradient_checkpointing }, base.vae, decoderStrips(lpl, parts)),
  };
}
