/** What a model's forward pass is given: its weights by name, the adapters on top, and how to spend memory. */
import type { Tensor } from '../tf.ts';
import { conv2d, linear, upsampleConv2d, upsampleNearest2x, type ConvOptions } from '../ops/nn.ts';
import { tf } from '../tf.ts';

/** A low-rank delta of one layer: y += scale · up(down(dropout(x))). Linear: down [in,r], up [r,out]; conv: down HWIO [k,k,in,r], up [1,1,r,out]. */
export interface Adapter { down: Tensor; up: Tensor; scale: number; /** applied to x before `down`, when training with LoRA dropout */ dropout?: (x: Tensor) => Tensor }

/**
 * Weights go by their diffusers / transformers names ("down_blocks.0.resnets.0.conv1.weight"), in tfjs layout:
 * convolutions HWIO, linears [in, out]; embeddings and vectors as they are.
 */
export interface ModelContext {
  w(name: string): Tensor;
  has(name: string): boolean;
  /** The adapter of the layer `name` (without ".weight"), if there is one. */
  adapter?(name: string): Adapter | undefined;
  /** Recompute block activations in the backward pass instead of keeping them (see backend/checkpoint.ts). */
  checkpointing?: boolean;
}

/** The layer `name` applied as a linear map, bias if the model has one, adapter if the context has one. */
export function linearLayer(ctx: ModelContext, name: string, x: Tensor): Tensor {
  const y = linear(x, ctx.w(`${name}.weight`), ctx.has(`${name}.bias`) ? ctx.w(`${name}.bias`) : undefined);
  const a = ctx.adapter?.(name);
  if (!a) return y;
  const xin = a.dropout ? a.dropout(x) : x;
  return tf.add(y, tf.mul(linear(linear(xin, a.down), a.up), a.scale));
}

/** The layer `name` applied as a convolution, bias if the model has one, adapter if the context has one. */
export function convLayer(ctx: ModelContext, name: string, x: Tensor, options: ConvOptions = {}): Tensor {
  const y = conv2d(x, ctx.w(`${name}.weight`), ctx.has(`${name}.bias`) ? ctx.w(`${name}.bias`) : undefined, options);
  const a = ctx.adapter?.(name);
  if (!a) return y;
  const xin = a.dropout ? a.dropout(x) : x;
  return tf.add(y, tf.mul(conv2d(conv2d(xin, a.down, undefined, options), a.up), a.scale));
}

/** The 3×3 convolution `name` of x upsampled ×2 (nearest), bias if the model has one, adapter if the context has one. */
export function upsampleConvLayer(ctx: ModelContext, name: string, x: Tensor): Tensor {
  if (ctx.adapter?.(name)) return convLayer(ctx, name, upsampleNearest2x(x));
  return upsampleConv2d(x, ctx.w(`${name}.weight`), ctx.has(`${name}.bias`) ? ctx.w(`${name}.bias`) : undefined);
}
