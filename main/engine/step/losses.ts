/** The two losses of a training step. */
import { predictedLatent, predictionTarget, type PredictionType } from '../diffusion/prediction.ts';
import { lplLoss, lplTargetNames, lplTargets, type LatentDecoder, type LplLoss } from '../losses/latentPerceptualLoss.ts';
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import type { StepOptions } from './stepOptions.ts';

/** Mean squared error of each sample's prediction, [N]. */
export function diffusionErrors(type: PredictionType, output: Tensor, { latents, noise, alpha, sigma }: TensorMap): Tensor {
  const target = predictionTarget(type, latents!, noise!, alpha!, sigma!);
  return tf.mean(tf.square(tf.sub(output, target)), [1, 2, 3]);
}

/** Rows of x [N,...] by `select` [k,N], rows one-hot: exact in every precision, differentiable on every backend. */
export function selectRows(select: Tensor, x: Tensor): Tensor {
  const [k, n] = select.shape as [number, number];
  const rows = tf.sum(tf.mul(tf.reshape(select, [k, n, 1]), tf.reshape(x, [1, n, -1])), 1);
  return tf.reshape(rows, [k, ...x.shape.slice(1)]);
}

/** The Latent Perceptual Loss of the chosen samples: ẑ_0 from the network's output, compared with the true latent. */
export function perceptualLoss(o: StepOptions, decoder: LatentDecoder, noisy: Tensor, output: Tensor, inputs: TensorMap): LplLoss & { stats: Tensor } {
  const lpl = o.lpl!;
  const chosen = (x: Tensor): Tensor => selectRows(inputs['lpl_select']!, x);
  const predicted = predictedLatent(o.predictionType, chosen(noisy), chosen(output), chosen(inputs['alpha']!), chosen(inputs['sigma']!));
  const targets = lpl.targets === 'computed'
    ? lplTargets(decoder, lpl.options, chosen(inputs['latents']!))
    : Object.fromEntries(lplTargetNames(lpl.options).map((name) => [name, inputs[`lpl_${name}`]!]));
  return { ...lplLoss(decoder, lpl.options, predicted, targets), stats: targets['stats']! };
}
