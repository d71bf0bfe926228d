/** A network and a decoder of a few weights, for tests of the training step. */
import type { Executor, HostTensor, InputSpec } from '../../main/engine/backend/executor.ts';
import { alphasCumprod, SDXL_NOISE_SCHEDULE } from '../../main/engine/diffusion/noiseSchedule.ts';
import { LPL_RECOMMENDED } from '../../main/engine/losses/lplOptions.ts';
import { conv2d, silu, upsampleNearest2x } from '../../main/engine/ops/nn.ts';
import { adamw } from '../../main/engine/optim/adamw.ts';
import { normal } from '../../main/engine/random.ts';
import { weightInputs } from '../../main/engine/step/hostInputs.ts';
import { lossInputs, updateInputs, type Networks, type StepOptions } from '../../main/engine/step/stepOptions.ts';
import { declareOptimizer } from '../../main/engine/step/update.ts';
import { tf } from '../../main/engine/tf.ts';
import { emaName } from '../../main/engine/trainables/trainables.ts';

const draw = (n: number, sample: number, scale = 0.3): Float32Array => normal({ seed: 1, stream: 'test', sample }, n).map((v) => v * scale);
const shapes = { first: [3, 3, 4, 8], second: [3, 3, 8, 4], shift: [4], unused: [2] };
export const trained = Object.keys(shapes);

export const networks: Networks = {
  predict: (state, x, timestep) => {
    const h = silu(conv2d(x, state.get('first')));
    return tf.add(conv2d(h, state.get('second')), tf.mul(state.get('shift'), tf.reshape(tf.div(tf.cast(timestep, 'float32'), 1000), [-1, 1, 1, 1])));
  },
  decoder: (state) => ({
    features: (z, blocks) => {
      const features = [silu(conv2d(z, state.get('decoder')))];
      for (let i = 0; i < blocks; i++) features.push(silu(conv2d(upsampleNearest2x(features.at(-1)!), state.get('decoder_up'))));
      return features;
    },
    image: (z) => upsampleNearest2x(z),
  }),
};

export const options = (over: Partial<StepOptions> = {}): StepOptions => ({
  trained, predictionType: 'epsilon', optimizer: adamw(), maxGradNorm: 1, ema: true, accumulation: 1, lpl: { options: { ...LPL_RECOMMENDED, num_blocks: 2 }, weight: 1.5, targets: 'computed' }, ...over,
});

export function declareToy(e: Executor, o: StepOptions): void {
  Object.entries(shapes).forEach(([name, shape], i) => {
    const values = draw(shape.reduce((a, b) => a * b, 1), i);
    e.declare(name, { shape }, values);
    if (o.ema) e.declare(emaName(name), { shape }, values);
  });
  e.declare('decoder', { shape: [3, 3, 4, 8] }, draw(288, 10));
  e.declare('decoder_up', { shape: [3, 3, 8, 8] }, draw(576, 11));
  declareOptimizer(e, o);
}

const weighting = { alphas: alphasCumprod(SDXL_NOISE_SCHEDULE), predictionType: 'epsilon' as const, snrGamma: 5, lplScale: true };
export const lossSpecs = (n: number, chosen: number, fed: Record<string, InputSpec> = {}): Record<string, InputSpec> => lossInputs({ n, h: 8, w: 8, c: 4, chosen }, {}, fed);
export const allSpecs = (o: StepOptions, n: number, chosen: number, fed: Record<string, InputSpec> = {}): Record<string, InputSpec> => ({ ...lossInputs({ n, h: 8, w: 8, c: 4, chosen }, {}, fed, o.lossScaling), ...updateInputs(o) });

/** Samples `rows` of batch number `batch`, of which `chosen` (positions among the rows) take part in LPL. */
export function lossBatch(batch: number, rows: number[], chosen: number[]): Record<string, HostTensor> {
  const part = (sample: number, scale: number): HostTensor => ({ shape: [rows.length, 8, 8, 4], data: Float32Array.from(rows.flatMap((r) => Array.from(draw(256, sample + 7 * batch + 100 * r, scale)))) });
  return { latents: part(1000, 1), noise: part(5000, 1), ...weightInputs(weighting, Int32Array.from(rows, (r) => [50, 600, 150, 900][r]!), null, chosen) };
}

export const updateNumbers = (o: StepOptions, step: number): Record<string, HostTensor> => {
  const scalars = Float32Array.from(o.optimizer.scalars(step + 1, 1e-2));
  return { optimizer_scalars: { shape: [scalars.length], data: scalars }, ...(o.ema ? { one_minus_ema_decay: { shape: [1], data: Float32Array.of(0.1) } } : {}) };
};

/** Every variable's value by name. */
export const snapshot = (e: Executor): Record<string, Float32Array> => Object.fromEntries([...e.variables().keys()].map((name) => [name, e.read(name)]));
