/** The UNet's spatial transformer (diffusers' Transformer2DModel with BasicTransformerBlock; Rombach et al. 2022). */
import { attention, geglu, layerNorm } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { checkpointed } from './checkpointed.ts';
import { convLayer, linearLayer, type ModelContext } from './context.ts';
import { normLayer } from './resnetBlock.ts';
import type { TransformerPlan } from './unetPlan.ts';
import { convShapes, linearShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

export interface TransformerOptions { groups: number; linearProjection: boolean }

const normed = (ctx: ModelContext, name: string, x: Tensor): Tensor => layerNorm(x, ctx.w(`${name}.weight`), ctx.w(`${name}.bias`), 1e-5);

/** Attention of x [N,L,C] to `memory` [N,S,D] (itself when self-attention). */
function attend(ctx: ModelContext, name: string, x: Tensor, memory: Tensor, heads: number): Tensor {
  const q = linearLayer(ctx, `${name}.to_q`, x), k = linearLayer(ctx, `${name}.to_k`, memory), v = linearLayer(ctx, `${name}.to_v`, memory);
  return linearLayer(ctx, `${name}.to_out.0`, attention(q, k, v, heads));
}

/** GEGLU feed-forward (Shazeer 2020): out((a) · gelu(b)), [a ‖ b] = proj(x). */
function feedForward(ctx: ModelContext, name: string, x: Tensor): Tensor {
  return linearLayer(ctx, `${name}.net.2`, geglu(linearLayer(ctx, `${name}.net.0.proj`, x)));
}

/** Self-attention, cross-attention to the text, feed-forward; each pre-normed with a residual. x [N,L,C]. */
function transformerLayer(ctx: ModelContext, name: string, x: Tensor, text: Tensor, heads: number): Tensor {
  const n1 = normed(ctx, `${name}.norm1`, x);
  let h = tf.add(x, attend(ctx, `${name}.attn1`, n1, n1, heads));
  h = tf.add(h, attend(ctx, `${name}.attn2`, normed(ctx, `${name}.norm2`, h), text, heads));
  return tf.add(h, feedForward(ctx, `${name}.ff`, normed(ctx, `${name}.norm3`, h)));
}

function layerShapes(name: string, c: number, crossDim: number): WeightShapes {
  const attn = (part: string, memory: number): WeightShapes => mergeShapes(
    linearShapes(`${name}.${part}.to_q`, c, c, false), linearShapes(`${name}.${part}.to_k`, memory, c, false),
    linearShapes(`${name}.${part}.to_v`, memory, c, false), linearShapes(`${name}.${part}.to_out.0`, c, c));
  return mergeShapes(
    normShapes(`${name}.norm1`, c), attn('attn1', c), normShapes(`${name}.norm2`, c), attn('attn2', crossDim), normShapes(`${name}.norm3`, c),
    linearShapes(`${name}.ff.net.0.proj`, c, 8 * c), linearShapes(`${name}.ff.net.2`, 4 * c, c),
  );
}

/** x [N,H,W,C], text [N,S,D] -> [N,H,W,C]. proj_in and proj_out are linear (SDXL) or 1×1 convolutions (SD 1.5). */
export function transformer2d(ctx: ModelContext, plan: TransformerPlan, options: TransformerOptions, x: Tensor, text: Tensor): Tensor {
  const [n, height, width, c] = x.shape as [number, number, number, number];
  const { name, heads, depth } = plan;
  const project = options.linearProjection ? linearLayer : convLayer;
  let h = project(ctx, `${name}.proj_in`, normLayer(ctx, `${name}.norm`, x, { groups: options.groups, eps: 1e-6 }));
  h = tf.reshape(h, [n, height * width, c]);
  for (let i = 0; i < depth; i++) {
    const layer = `${name}.transformer_blocks.${i}`;
    h = checkpointed(ctx, (tokens, memory) => transformerLayer(ctx, layer, tokens!, memory!, heads), [h, text]);
  }
  return tf.add(x, project(ctx, `${name}.proj_out`, tf.reshape(h, [n, height, width, c])));
}

export function transformerShapes({ name, channels, depth, crossDim }: TransformerPlan, { linearProjection }: TransformerOptions): WeightShapes {
  const project = (part: string): WeightShapes =>
    linearProjection ? linearShapes(`${name}.${part}`, channels, channels) : convShapes(`${name}.${part}`, 1, channels, channels);
  const layers = Array.from({ length: depth }, (_, i) => layerShapes(`${name}.transformer_blocks.${i}`, channels, crossDim));
  return mergeShapes(normShapes(`${name}.norm`, channels), project('proj_in'), ...layers, project('proj_out'));
}
