/** CLIP's text transformer (Radford et al. 2021): transformers' CLIPTextModel and CLIPTextModelWithProjection on tfjs. */
import { attention, gelu, layerNorm, quickGelu } from '../ops/nn.ts';
import { tf, type Tensor } from '../tf.ts';
import { checkpointed } from './checkpointed.ts';
import type { ClipConfig } from './clipConfig.ts';
import { linearLayer, type ModelContext } from './context.ts';
import { linearShapes, mergeShapes, normShapes, type WeightShapes } from './weightShapes.ts';

export { parseClipConfig, type ClipConfig } from './clipConfig.ts';

export interface ClipOutput {
  /** input of the last layer, without the final norm [N,L,D]: `hidden_states[-2]`, what SDXL is conditioned on */
  penultimate: Tensor;
  /** output of the last layer after the final norm [N,L,D]: what SD 1.5 is conditioned on */
  last: Tensor;
  /** `last` at the end-of-text token [N,D]; through text_projection [N,P] when the model has one */
  pooled: Tensor;
}

const norm = (ctx: ModelContext, c: ClipConfig, name: string, x: Tensor): Tensor => layerNorm(x, ctx.w(`${name}.weight`), ctx.w(`${name}.bias`), c.layer_norm_eps);

/** [1,1,L,L]: 0 on and below the diagonal, a large negative number above it. */
function causalMask(length: number): Tensor {
  const values = Float32Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? -1e9 : 0));
  return tf.tensor(values, [1, 1, length, length]);
}

function encoderLayer(ctx: ModelContext, c: ClipConfig, name: string, x: Tensor, mask: Tensor): Tensor {
  const n1 = norm(ctx, c, `${name}.layer_norm1`, x);
  const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((p) => linearLayer(ctx, `${name}.self_attn.${p}`, n1)) as [Tensor, Tensor, Tensor];
  const h = tf.add(x, linearLayer(ctx, `${name}.self_attn.out_proj`, attention(q, k, v, c.num_attention_heads, mask)));
  const inner = linearLayer(ctx, `${name}.mlp.fc1`, norm(ctx, c, `${name}.layer_norm2`, h));
  return tf.add(h, linearLayer(ctx, `${name}.mlp.fc2`, c.hidden_act === 'gelu' ? gelu(inner) : quickGelu(inner)));
}

/**
 * One-hot position of the token whose state is the pooled output, [N,L]. Configs of before 2023 say eos_token_id 2 and
 * mean the token with the highest id; later ones mean the first end-of-text token.
 */
function pooledPosition(ids: Tensor, c: ClipConfig): Tensor {
  const position = c.eos_token_id === 2 ? tf.argMax(ids, 1) : tf.argMax(tf.cast(tf.equal(ids, tf.scalar(c.eos_token_id, 'int32')), 'int32'), 1);
  return tf.cast(tf.oneHot(tf.cast(position, 'int32') as tf.Tensor1D, ids.shape[1]!), 'float32'); // wasm's oneHot in float32 writes integer bits
}

/** ids [N,L] int32 (L at most 77) -> states. Weight names start with "text_model.", as in the released checkpoints. */
export function clipForward(ctx: ModelContext, config: ClipConfig, ids: Tensor): ClipOutput {
  const [n, length] = ids.shape as [number, number];
  const tokens = tf.gather(ctx.w('text_model.embeddings.token_embedding.weight'), tf.reshape(ids, [n * length]) as tf.Tensor1D);
  const positions = tf.slice(ctx.w('text_model.embeddings.position_embedding.weight'), [0, 0], [length, config.hidden_size]);
  let h: Tensor = tf.add(tf.reshape(tokens, [n, length, config.hidden_size]), positions);
  let penultimate = h;
  for (let i = 0; i < config.num_hidden_layers; i++) {
    penultimate = h;
    h = checkpointed(ctx, (x, mask) => encoderLayer(ctx, config, `text_model.encoder.layers.${i}`, x!, mask!), [h, causalMask(length)]);
  }
  const last = norm(ctx, config, 'text_model.final_layer_norm', h);
  const pooled = tf.reshape(tf.matMul(tf.reshape(pooledPosition(ids, config), [n, 1, length]), last), [n, config.hidden_size]);
  return { penultimate, last, pooled: config.with_projection ? linearLayer(ctx, 'text_projection', pooled) : pooled };
}

/** Every weight of the encoder, in tfjs layout. */
export function clipWeightShapes(c: ClipConfig): WeightShapes {
  const d = c.hidden_size;
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => {
    const name = `text_model.encoder.layers.${i}`;
    return mergeShapes(
      normShapes(`${name}.layer_norm1`, d), ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].map((p) => linearShapes(`${name}.self_attn.${p}`, d, d)),
      normShapes(`${name}.layer_norm2`, d), linearShapes(`${name}.mlp.fc1`, d, c.intermediate_size), linearShapes(`${name}.mlp.fc2`, c.intermediate_size, d),
    );
  });
  return mergeShapes(
    { 'text_model.embeddings.token_embedding.weight': [c.vocab_size, d], 'text_model.embeddings.position_embedding.weight': [c.max_position_embeddings, d] },
    ...layers, normShapes('text_model.final_layer_norm', d), c.with_projection ? linearShapes('text_projection', d, c.projection_dim, false) : {},
  );
}
