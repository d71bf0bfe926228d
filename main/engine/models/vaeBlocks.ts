/** The mid block that the VAE's encoder and decoder share. */
import { attention } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { linearLayer, type ModelContext } from './context.ts';
import { normLayer, resnetBlock, resnetShapes, type NormOptions } from './resnetBlock.ts';
import type { VaeConfig } from './vaeConfig.ts';
import { linearShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

/** The VAE's norms all use ε = 1e-6. */
export const vaeNorm = (config: VaeConfig): NormOptions => ({ groups: config.norm_num_groups, eps: 1e-6 });

/** Single-head self-attention over the positions, with residual. x [N,H,W,C]. */
function spatialAttention(ctx: ModelContext, name: string, x: Tensor, norm: NormOptions): Tensor {
  const [n, h, w, c] = x.shape as [number, number, number, number];
  const tokens = tf.reshape(normLayer(ctx, `${name}.group_norm`, x, norm), [n, h * w, c]);
  const [q, k, v] = ['to_q', 'to_k', 'to_v'].map((p) => linearLayer(ctx, `${name}.${p}`, tokens)) as [Tensor, Tensor, Tensor];
  const y = linearLayer(ctx, `${name}.to_out.0`, attention(q, k, v, 1));
  return tf.add(x, tf.reshape(y, [n, h, w, c]));
}

/** resnet, attention, resnet. x [N,h,w,C] -> same shape. */
export function vaeMidBlock(ctx: ModelContext, name: string, config: VaeConfig, x: Tensor): Tensor {
  const norm = vaeNorm(config);
  let h = resnetBlock(ctx, `${name}.resnets.0`, x, norm);
  if (config.mid_block_add_attention) h = spatialAttention(ctx, `${name}.attentions.0`, h, norm);
  return resnetBlock(ctx, `${name}.resnets.1`, h, norm);
}

export function vaeMidShapes(name: string, config: VaeConfig): WeightShapes {
  const c = config.block_out_channels.at(-1)!;
  const attn = `${name}.attentions.0`;
  return mergeShapes(
    resnetShapes(`${name}.resnets.0`, c, c), resnetShapes(`${name}.resnets.1`, c, c),
    ...(config.mid_block_add_attention
      ? [normShapes(`${attn}.group_norm`, c), ...['to_q', 'to_k', 'to_v', 'to_out.0'].map((p) => linearShapes(`${attn}.${p}`, c, c))]
      : []),
  );
}
