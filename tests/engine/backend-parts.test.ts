/** Work in parts, for machines whose cores each run one operation at a time, against the same work in one piece. */
import { afterEach, expect, it, vi } from 'vitest';
import { cpuPlan, partsOn } from '../../main/engine/backend/cpuPlan.ts';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import { lplLoss, lplTargets } from '../../main/engine/losses/latentPerceptualLoss.ts';
import { LPL_RECOMMENDED } from '../../main/engine/losses/lplOptions.ts';
import { vaeLatentDecoder } from '../../main/engine/losses/vaeLatentDecoder.ts';
import { parseVaeConfig } from '../../main/engine/models/vae.ts';
import { readJson, readWeights } from '../../main/engine/parity/fixture.ts';
import { inParts } from '../../main/engine/program/inParts.ts';
import type { Networks } from '../../main/engine/step/stepOptions.ts';
import { tf, type Tensor } from '../../main/engine/tf.ts';
import { trainStep } from '../../main/engine/trainStep.ts';
import { noise, relativeError } from './backendSteps.ts';
import { contextOf, PARITY } from './models-helpers.ts';
import { allSpecs, declareToy, lossBatch, networks, options, snapshot, updateNumbers } from './trainStep-toy.ts';

vi.setConfig({ testTimeout: 300_000 });
const open: Executor[] = [];
afterEach(() => open.splice(0).forEach((e) => e.dispose()));

async function trained(nets: Networks): Promise<{ out: Record<string, Float32Array>; after: Record<string, Float32Array> }> {
  const e = await createExecutor({ backend: 'tensorflow' }), o = options();
  open.push(e);
  declareToy(e, o);
  e.define('train', allSpecs(o, 4, 2), trainStep(nets, o, 2));
  const out = await e.run('train', { ...lossBatch(0, [0, 1, 2, 3], [0, 2]), ...updateNumbers(o, 0) });
  return { out: Object.fromEntries(Object.entries(out).map(([name, t]) => [name, t.data as Float32Array])), after: snapshot(e) as Record<string, Float32Array> };
}

it('a batch in parts of unequal size makes the same step', async () => {
  const sizes: number[] = [];
  const whole = await trained(networks), parts = await trained({ ...networks, predict: inParts(3, (state, noisy, ...rest) => { sizes.push(noisy.shape[0]!); return networks.predict(state, noisy, ...rest); }) });
  expect(sizes).toEqual([1, 1, 2]);
  for (const [name, values] of Object.entries(whole.out)) expect(relativeError(parts.out[name]!, values), name).toBeLessThan(1e-5);
  for (const [name, values] of Object.entries(whole.after)) expect(relativeError(parts.after[name]!, values), name).toBeLessThan(1e-4);
});

it('a batch is left whole when it is smaller than the parts, and when dropout draws one mask for all of it', () => {
  const seen: number[] = [];
  const predict = inParts(2, (_state, noisy) => { seen.push(noisy.shape[0]!); return noisy; });
  const run = (n: number, inputs: Record<string, Tensor>): Tensor => predict({} as never, tf.zeros([n, 2, 2, 1]), tf.zeros([n]), inputs);
  run(1, {});
  run(4, { dropout_draw: tf.scalar(1) });
  expect(run(4, {}).shape).toEqual([4, 2, 2, 1]);
  expect(seen).toEqual([1, 4, 2, 2]);
});

it.each(['tensorflow', 'tensorflow-eager'] as const)('%s: the decoder in strips gives the same loss, layer by layer, and the same gradient', async (backend) => {
  const config = parseVaeConfig(await readJson(`${PARITY}/tiny-sdxl/vae/config.json`)), weights = await readWeights(`${PARITY}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`);
  const e = await createExecutor({ backend });
  open.push(e);
  const o = { ...LPL_RECOMMENDED, num_blocks: config.block_out_channels.length }, shape = [2, 5, 4, 4];
  for (const strips of [1, 2, 3]) {
    e.define(`strips ${strips}`, { predicted: { shape, dtype: 'float32' }, latent: { shape, dtype: 'float32' } }, ({ predicted, latent }) => {
      const decoder = vaeLatentDecoder(contextOf(weights), config, strips);
      let layers: Tensor | undefined;
      const { value, grad } = tf.valueAndGrad((x: Tensor) => { const loss = lplLoss(decoder, o, x, lplTargets(decoder, o, latent!)); layers = tf.keep(loss.perLayer); return tf.sum(loss.perSample) as tf.Scalar; })(predicted!);
      return { outputs: { value, grad, layers: layers! } };
    });
  }
  const inputs = { predicted: { shape, data: noise(160, 1, 2) }, latent: { shape, data: noise(160, 2, 2) } };
  const whole = await e.run('strips 1', inputs);
  for (const strips of [2, 3]) {
    const parts = await e.run(`strips ${strips}`, inputs);
    for (const name of ['value', 'layers', 'grad']) expect(relativeError(parts[name]!.data as Float32Array, whole[name]!.data as Float32Array), `${strips} ${name}`).toBeLessThan(name === 'grad' ? 1e-4 : 1e-5);
  }
});

it('parts are as many as the cores, where the batch has a sample for each and the gradients are few', () => {
  expect(cpuPlan({ threads: 0, batch: 4, trainedValues: 1000 }, 2)).toEqual({ threads: 1, parts: 2 });
  expect(cpuPlan({ threads: 3, batch: 4, trainedValues: 1000 }, 8)).toEqual({ threads: 1, parts: 3 });
  for (const [batch, trainedValues, cores] of [[1, 1000, 2], [4, 2 ** 28, 2], [4, 1000, 1], [4, 1000, 16]] as const) expect(cpuPlan({ threads: 0, batch, trainedValues }, cores)).toEqual({ threads: 0, parts: 1 });
  expect(partsOn({ info: { kind: 'eager', device: 'CPU' } } as Executor, { threads: 1, parts: 2 })).toBe(1);
  expect(partsOn({ info: { kind: 'compiled', device: 'GPU' } } as Executor, { threads: 1, parts: 2 })).toBe(1);
});
