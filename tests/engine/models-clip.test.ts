import { describe, expect, it } from 'vitest';
import { clipForward, clipWeightShapes, parseClipConfig } from '../../main/engine/models/clip.ts';
import { encodePromptSd15 } from '../../main/engine/models/promptEncoder.ts';
import { readFixture, readJson, readWeights } from '../../main/engine/parity/fixture.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { contextOf, errorOf, PARITY, shapesOf } from './models-helpers.ts';

const load = async (part: string) => {
  const weights = await readWeights(`${PARITY}/tiny-sdxl/${part}/model.safetensors`);
  return { config: parseClipConfig(await readJson(`${PARITY}/tiny-sdxl/${part}/config.json`)), weights, ctx: contextOf(weights) };
};
const first = await load('text_encoder'), second = await load('text_encoder_2');
const golden = await readFixture(PARITY, 'text');
const ids = (name: string): Tensor => tf.tensor(Int32Array.from(golden.get(name)!.data), golden.get(name)!.shape, 'int32');

describe('CLIP text encoders', () => {
  it.each([first, second])('list exactly the checkpoint\'s weights', ({ config, weights }) => {
    expect(clipWeightShapes(config)).toEqual(shapesOf(weights));
  });

  it('condition SD 1.5 on the last states', () => {
    expect(errorOf(encodePromptSd15(first, ids('ids')).states, golden.get('last_1')!)).toBeLessThan(1e-4);
  });

  it('pool at the highest id under eos_token_id 2, at the first end-of-text otherwise', () => {
    const { ctx, config } = second;
    const top = config.vocab_size - 1, end = top - 5; // a token with a higher id than this model's end-of-text stands behind it
    const sequence = tf.tensor(Int32Array.from([1, 7, end, top, end]), [1, 5], 'int32');
    const stateAt = (position: number): Tensor => tf.squeeze(tf.slice(clipForward(ctx, { ...config, with_projection: false }, sequence).last, [0, position, 0], [1, 1, -1]), [1]);
    const pooled = (eos: number): Tensor => clipForward(ctx, { ...config, with_projection: false, eos_token_id: eos }, sequence).pooled;
    expect(pooled(2).dataSync()).toEqual(stateAt(3).dataSync());
    expect(pooled(end).dataSync()).toEqual(stateAt(2).dataSync());
  });

  it('have the same gradients with and without checkpointing', () => {
    const name = 'text_model.encoder.layers.1.self_attn.q_proj.weight';
    const gradient = (checkpointing: boolean): Tensor => tf.grad((w: Tensor) => {
      const ctx = { ...first.ctx, w: (n: string) => (n === name ? w : first.ctx.w(n)), checkpointing };
      return tf.sum(tf.square(clipForward(ctx, first.config, ids('ids')).last));
    })(first.ctx.w(name));
    const kept = gradient(false);
    expect(errorOf(gradient(true), { shape: kept.shape, data: kept.dataSync() as Float32Array })).toBeLessThan(1e-5);
  });

  it('refuse other encoders by name', () => {
    expect(() => parseClipConfig({ architectures: ['T5EncoderModel'] })).toThrow(expect.objectContaining({ code: 'model.unsupported' }));
    expect(() => parseClipConfig({ hidden_act: 'relu' })).toThrow(/hidden_act/);
  });
});
