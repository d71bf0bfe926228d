/** Parity of the Latent Perceptual Loss: values, layers, statistics and gradients under every combination of options. */
import { combineStatistics } from '../losses/lplStatistics.ts';
import { lplLoss, lplTargets, type LatentDecoder } from '../losses/latentPerceptualLoss.ts';
import type { LplNorm, LplOptions } from '../losses/lplOptions.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import { parseVaeConfig } from '../models/vae.ts';
import { tf, type Tensor } from '../tf.ts';
import { contextOf, tensorOf } from './context.ts';
import { readFixture, readJson, readWeights, relativeError, toNhwc, type FloatTensor, type Weights } from './fixture.ts';
import { absentPart, judge, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

type Statistics = { mean: number; std: number; outlier_ratio: number };
/** A case of lpl.json: its options and what the reference computes under them; the gradient is lpl.safetensors' `case_i.grad`. */
export interface Case extends Omit<LplOptions, 'norm_type'> {
  norm_type: LplNorm;
  loss?: number[];
  /** by layer, then sample */
  layers?: number[][];
  stats?: Partial<Statistics>[];
}
/** What the engine computes: `layers` by sample, then layer; `stats` as lplTargets gives them; `sizes` values of each layer's feature. */
export interface Computed { loss: Float32Array; layers: Float32Array; stats: Float32Array; sizes: number[]; gradient: Float32Array }

const flat = (values: number[]): FloatTensor => ({ shape: [values.length], data: Float32Array.from(values) });
const error = (actual: ArrayLike<number>, expected: FloatTensor): number => relativeError({ shape: expected.shape, data: Float32Array.from(actual) }, expected);

function compute(decoder: LatentDecoder, o: LplOptions, predicted: Tensor, target: Tensor): Computed {
  return tf.tidy(() => {
    const targets = lplTargets(decoder, o, target);
    const read = (t: Tensor): Float32Array => t.dataSync() as Float32Array;
    let values: Pick<Computed, 'loss' | 'layers'> | undefined;
    const gradient = tf.grad((p) => {
      const { perSample, perLayer } = lplLoss(decoder, o, p, targets);
      values = { loss: read(perSample), layers: read(perLayer) };
      return tf.mean(perSample);
    })(predicted);
    const sizes = Array.from({ length: o.num_blocks + 1 }, (_, i) => targets[`target_${i}`]!.size / target.shape[0]!);
    return { ...values!, stats: read(targets['stats']!), sizes, gradient: read(gradient) };
  });
}

const bySample = (layers: number[][]): number[] => layers[0]!.flatMap((_, sample) => layers.map((l) => l[sample]!));
const describe = (c: Omit<LplOptions, 'feature_type'>): string => `${c.loss_type} ${c.norm_type}${c.pow_law ? ' pow_law' : ''} blocks ${c.num_blocks}${c.remove_outliers ? ' outliers removed' : ''}`;

/** Case `i`: the largest error of each quantity, or what of it the files lack. */
export function* compareCase(i: number, c: Case, got: Computed, gradient: FloatTensor | undefined): Generator<ParityFinding> {
  const compare = (quantity: string, source: string, values: ArrayLike<number>, expected: FloatTensor | undefined): ParityFinding =>
    (expected ? judge('lpl', `case ${i}: ${quantity}`, error(values, expected), quantity === 'gradient' ? TOLERANCE.gradient : TOLERANCE.loss, describe(c)) : absentPart('lpl', `case ${i}: ${quantity}`, [source]));
  yield compare('loss', `cases[${i}].loss`, got.loss, c.loss && flat(c.loss));
  yield compare('layer losses', `cases[${i}].layers`, got.layers, c.layers && flat(bySample(c.layers)));
  const stats = combineStatistics(got.stats, got.sizes);
  for (const [quantity, key] of [['mean', 'mean'], ['std', 'std'], ['outlier ratio', 'outlier_ratio']] as const) {
    const own = c.stats?.map((s) => s[key]).filter((v) => v !== undefined) ?? [];
    yield compare(`statistics: ${quantity}`, `cases[${i}].stats: ${key}`, stats.map((s) => s[key]), own.length && own.length === c.stats!.length ? flat(own) : undefined);
  }
  yield compare('gradient', `case_${i}.grad`, got.gradient, gradient);
}

/** Every combination of options that the fixtures hold. */
const combinations = (['mse', 'l1'] as const).flatMap((loss_type) => (['default', 'shared', 'batch'] as const).flatMap((norm_type) => [false, true].flatMap((pow_law) =>
  [0, 1, 2, 3, 4].flatMap((num_blocks) => [false, true].map((remove_outliers) => describe({ loss_type, norm_type, pow_law, num_blocks, remove_outliers }))))));

/** The cases of the folder whose number is `wanted`, and which combinations of options it has no case for. */
export async function* lplCases(dir: string, wanted: (i: number) => boolean = () => true): AsyncGenerator<ParityFinding> {
  const f: Weights = await readFixture(dir, 'lpl'), missing = lacking(f, ['pred', 'target']);
  const { cases = [] } = await readJson(`${dir}/lpl.json`) as { cases?: Case[] };
  const without = lacking(new Set(cases.map(describe)), combinations);
  if (without.length) yield absentPart('lpl', `${without.length} of ${combinations.length} combinations of options`, without);
  if (missing.length) { yield absentPart('lpl', 'every case', missing); return; }
  const config = parseVaeConfig(await readJson(`${dir}/tiny-sdxl/vae/config.json`));
  const ctx = contextOf(await readWeights(`${dir}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`));
  const [predicted, target] = ['pred', 'target'].map((k) => tensorOf(toNhwc(f.get(k)!))) as [Tensor, Tensor];
  try {
    for (const [i, c] of cases.entries()) {
      const gradient = f.get(`case_${i}.grad`);
      if (wanted(i)) yield* compareCase(i, c, compute(vaeLatentDecoder(ctx, config), c, predicted, target), gradient && toNhwc(gradient));
    }
  } finally {
    ctx.dispose();
    tf.dispose([predicted, target]);
  }
}

export const lpl: ParitySection = {
  name: 'lpl',
  files: ['lpl.safetensors', 'lpl.json', 'tiny-sdxl/vae/config.json', 'tiny-sdxl/vae/diffusion_pytorch_model.safetensors'],
  run: (dir) => lplCases(dir),
};
