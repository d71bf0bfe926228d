/** From token ids to what the UNet is conditioned on: SDXL's two encoders side by side, or SD 1.5's one. */
import { tf, type Tensor } from '../tf.ts';
import { clipForward, type ClipConfig } from './clip.ts';
import type { ModelContext } from './context.ts';

export interface TextEncoder { ctx: ModelContext; config: ClipConfig }

/** States [N,77,D] and, for SDXL, pooled text [N,P]. */
export interface PromptEmbeds { states: Tensor; pooled?: Tensor }

/** SDXL (Podell et al. 2023): penultimate states of both encoders concatenated; the second one's projected pooled output. ids [N,77] int32. */
export function encodePromptSdxl(first: TextEncoder, second: TextEncoder, ids: Tensor, ids2: Tensor): PromptEmbeds & { pooled: Tensor } {
  const a = clipForward(first.ctx, first.config, ids), b = clipForward(second.ctx, second.config, ids2);
  return { states: tf.concat([a.penultimate, b.penultimate], 2), pooled: b.pooled };
}

/** SD 1.5: the last states after the final norm. ids [N,77] int32. */
export function encodePromptSd15({ ctx, config }: TextEncoder, ids: Tensor): PromptEmbeds {
  return { states: clipForward(ctx, config, ids).last };
}
