/** UNets of other shapes than the parity fixtures': output and gradient norms as diffusers computed them. */
import type { ModelContext } from '../../main/engine/models/context.ts';
import { parseUnetConfig, unetForward, type UnetInputs } from '../../main/engine/models/unet.ts';
import { readFixture, readJson, readWeights, toNhwc } from '../../main/engine/parity/fixture.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { contextOf, errorOf, tensorOf } from './models-helpers.ts';

export async function unetVariantParity(dir: string): Promise<{ output: number; worstNorm: number }> {
  const config = parseUnetConfig(await readJson(`${dir}/config.json`));
  const ctx = contextOf(await readWeights(`${dir}/weights.safetensors`));
  const f = await readFixture(dir, 'values');
  const norms = await readJson(`${dir}/grad_norms.json`) as Record<string, number>;
  const names = Object.keys(norms);
  const inputs: UnetInputs = { sample: tensorOf(toNhwc(f.get('sample')!)), timestep: tensorOf(f.get('timestep')!), encoderHiddenStates: tensorOf(f.get('encoder_hidden_states')!) };
  const cotangent = tensorOf(toNhwc(f.get('cotangent')!));
  const gradients = tf.grads((...ws: Tensor[]) => {
    const inner: ModelContext = { has: ctx.has, w: (n) => ws[names.indexOf(n)]! };
    return tf.sum(tf.mul(unetForward(inner, config, inputs), cotangent));
  })(names.map((n) => ctx.w(n)));
  const floor = 1e-4 * Math.max(...Object.values(norms)); // zero but for rounding, see parity/unet.ts
  const errors = names.map((n, i) => Math.abs(tf.norm(gradients[i]!).dataSync()[0]! - norms[n]!) / Math.max(norms[n]!, floor));
  return { output: errorOf(unetForward(ctx, config, inputs), toNhwc(f.get('output')!)), worstNorm: Math.max(...errors) };
}
