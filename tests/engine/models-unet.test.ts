import { describe, expect, it } from 'vitest';
import { parseUnetConfig, unetForward, unetWeightShapes, type UnetInputs } from '../../main/engine/models/unet.ts';
import { readFixture, readJson, readWeights, toNhwc, type FloatTensor } from '../../main/engine/parity/fixture.ts';
import { toTfjsLayout } from '../../main/engine/checkpoint/layout.ts';
import type { ModelContext } from '../../main/engine/models/context.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { contextOf, errorOf, PARITY, shapesOf, tensorOf } from './models-helpers.ts';

const config = parseUnetConfig(await readJson(`${PARITY}/tiny-sdxl/unet/config.json`));
const weights = await readWeights(`${PARITY}/tiny-sdxl/unet/diffusion_pytorch_model.safetensors`);
const golden = await readFixture(PARITY, 'unet');
const { grad_norms: norms } = await readJson(`${PARITY}/unet.json`) as { grad_norms: Record<string, number> };

const inputsOf = (p: string): UnetInputs => ({
  sample: tensorOf(toNhwc(golden.get(`${p}sample`)!)), timestep: tensorOf(golden.get(`${p}timestep`)!),
  encoderHiddenStates: tensorOf(golden.get(`${p}encoder_hidden_states`)!),
  textEmbeds: tensorOf(golden.get(`${p}text_embeds`)!), timeIds: tensorOf(golden.get(`${p}time_ids`)!),
});
const layoutOf = (name: string, t: FloatTensor): FloatTensor => ({ shape: t.shape, data: toTfjsLayout(name, t.shape, t.data) });

/** Some gradients are zero but for rounding (a bias in front of a norm with one channel a group): they are held to 1e-7 of the largest. */
const floor = 1e-4 * Math.max(...Object.values(norms));
const normError = (actual: number, expected: number): number => Math.abs(actual - expected) / Math.max(expected, floor);

describe('UNet2DConditionModel', () => {
  const ctx = contextOf(weights);

  it('lists exactly the checkpoint\'s weights', () => {
    expect(unetWeightShapes(config)).toEqual(shapesOf(weights));
  });

  it.each(['', 'rect.'])('predicts as diffusers (%s)', (p) => {
    expect(errorOf(unetForward(ctx, config, inputsOf(p)), toNhwc(golden.get(`${p}output`)!))).toBeLessThan(1e-4);
  });

  it.each([false, true])('has diffusers\' gradients, of the input and of every weight (checkpointing: %s)', (checkpointing) => {
    const names = Object.keys(norms);
    const inputs = inputsOf('');
    const cotangent = tensorOf(toNhwc(golden.get('cotangent')!));
    const gradients = tf.grads((sample: Tensor, ...ws: Tensor[]) => {
      const inner: ModelContext = { has: ctx.has, w: (n) => ws[names.indexOf(n)]!, checkpointing };
      return tf.sum(tf.mul(unetForward(inner, config, { ...inputs, sample }), cotangent));
    })([inputs.sample, ...names.map((n) => ctx.w(n))]) as Tensor[];
    expect(errorOf(gradients[0]!, toNhwc(golden.get('grad.sample')!))).toBeLessThan(1e-3);
    names.forEach((name, i) => {
      const actual = gradients[i + 1]!;
      expect(normError(tf.norm(actual).dataSync()[0]!, norms[name]!), name).toBeLessThan(1e-3);
      const full = golden.get(`grad.${name}`);
      if (full) expect(errorOf(actual, layoutOf(name, full)), name).toBeLessThan(1e-3);
    });
  });
});
