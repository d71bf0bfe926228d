/** Parity of the Latent Perceptual Loss: values, layers, statistics and gradients under every combination of options. */
import { combineStatistics } from '../losses/lplStatistics.ts';
import { lplLoss, lplTargets, type LatentDecoder } from '../losses/latentPerceptualLoss.ts';
import type { LplNorm, LplOptions } from '../losses/lplOptions.ts';
import { vaeLatentDecoder } from '../losses/vaeLatentDecoder.ts';
import { parseVaeConfig } from '../models/vae.ts';
import { tf, type Tensor } from '../tf.ts';
import { contextOf, tensorOf } from './context.ts';
import { readFixture, readJson, readWeights, relativeError, toNhwc, type FloatTensor, type Weights } from './fixture.ts';
import { judge, TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

interface Case extends Omit<LplOptions, 'norm_type'> {
  norm_type: LplNorm;
  loss: number[];
  layers: number[][];
  stats: { mean: number; std: number; outlier_ratio: number }[];
}
interface Computed { loss: Float32Array; layers: Float32Array; stats: Float32Array; sizes: number[]; gradient: Float32Array }

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

/** The largest error of each quantity of one case. */
function compare(c: Case, got: Computed, gradient: FloatTensor): Record<string, number> {
  const samples = c.loss.length, layers = c.layers.length;
  const bySample = c.loss.flatMap((_, s) => c.layers.map((l) => l[s]!));
  const stats = combineStatistics(got.stats, got.sizes);
  const statistic = (k: 'mean' | 'std' | 'outlier_ratio'): number => error(stats.map((s) => s[k]), flat(c.stats.map((s) => s[k])));
  return {
    loss: error(got.loss, flat(c.loss)),
    'layer losses': got.layers.length === samples * layers ? error(got.layers, flat(bySample)) : Infinity,
    'statistics: mean': statistic('mean'), 'statistics: std': statistic('std'), 'statistics: outlier ratio': statistic('outlier_ratio'),
    gradient: error(got.gradient, gradient),
  };
}

const describe = (c: Case): string => `${c.loss_type} ${c.norm_type}${c.pow_law ? ' pow_law' : ''} blocks ${c.num_blocks}${c.remove_outliers ? ' outliers removed' : ''}`;

/** The cases of the folder whose number is `wanted`. */
export async function* lplCases(dir: string, wanted: (i: number) => boolean = () => true): AsyncGenerator<ParityResult> {
  const f: Weights = await readFixture(dir, 'lpl');
  const { cases } = await readJson(`${dir}/lpl.json`) as { cases: Case[] };
  const config = parseVaeConfig(await readJson(`${dir}/tiny-sdxl/vae/config.json`));
  const ctx = contextOf(await readWeights(`${dir}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`));
  const [predicted, target] = ['pred', 'target'].map((k) => tensorOf(toNhwc(f.get(k)!))) as [Tensor, Tensor];
  try {
    for (const [i, c] of cases.entries()) {
      if (!wanted(i)) continue;
      const errors = compare(c, compute(vaeLatentDecoder(ctx, config), c, predicted, target), toNhwc(f.get(`case_${i}.grad`)!));
      for (const [quantity, e] of Object.entries(errors)) yield judge('lpl', `case ${i}: ${quantity}`, e, quantity === 'gradient' ? TOLERANCE.gradient : TOLERANCE.loss, describe(c));
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
