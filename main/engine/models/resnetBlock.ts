/** The residual block that VAE and UNet share (diffusers' ResnetBlock2D), NHWC. */
import { groupNorm, groupNormSilu, silu } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { convLayer, linearLayer, type ModelContext } from './context.ts';
import { convShapes, linearShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

export interface NormOptions { groups: number; eps: number }

/** The GroupNorm `name`. x [N,H,W,C]. */
export function normLayer(ctx: ModelContext, name: string, x: Tensor, { groups, eps }: NormOptions): Tensor {
  return groupNorm(x, ctx.w(`${name}.weight`), ctx.w(`${name}.bias`), groups, eps);
}

/** silu(normLayer(x)), in one pass. */
export function normSiluLayer(ctx: ModelContext, name: string, x: Tensor, { groups, eps }: NormOptions): Tensor {
  return groupNormSilu(x, ctx.w(`${name}.weight`), ctx.w(`${name}.bias`), groups, eps);
}

/**
 * y = shortcut(x) + conv2(silu(norm2(conv1(silu(norm1(x))) + time))). x [N,H,W,Cin] -> [N,H,W,Cout]; `temb` is the
 * time embedding [N,T] before its activation, absent in the VAE.
 */
export function resnetBlock(ctx: ModelContext, name: string, x: Tensor, norm: NormOptions, temb?: Tensor): Tensor {
  let h = convLayer(ctx, `${name}.conv1`, normSiluLayer(ctx, `${name}.norm1`, x, norm));
  if (temb) {
    const shift = linearLayer(ctx, `${name}.time_emb_proj`, silu(temb));
    h = tf.add(h, tf.reshape(shift, [shift.shape[0]!, 1, 1, shift.shape[1]!]));
  }
  h = convLayer(ctx, `${name}.conv2`, normSiluLayer(ctx, `${name}.norm2`, h, norm));
  return tf.add(ctx.has(`${name}.conv_shortcut.weight`) ? convLayer(ctx, `${name}.conv_shortcut`, x) : x, h);
}

/** Weights of `resnetBlock`; `timeChannels` is the width of the time embedding, 0 for none. */
export function resnetShapes(name: string, cin: number, cout: number, timeChannels = 0): WeightShapes {
  return mergeShapes(
    normShapes(`${name}.norm1`, cin), convShapes(`${name}.conv1`, 3, cin, cout),
    timeChannels ? linearShapes(`${name}.time_emb_proj`, timeChannels, cout) : {},
    normShapes(`${name}.norm2`, cout), convShapes(`${name}.conv2`, 3, cout, cout),
    cin === cout ? {} : convShapes(`${name}.conv_shortcut`, 1, cin, cout),
  );
}
