/**
 * The training step: batch → noise → predict → losses → gradients → clip → update.
 *
 * Baseline and Latent Perceptual Loss are this one step: without chosen samples the decoder is not run and the rest is the same. The functions
 * here are pure and written once; an executor runs them eagerly or compiled. With a non-finite loss or gradient nothing is updated.
 */
import type { InputSpec, State, StepFunction, UpdateLoop } from './backend/executor.ts';
import { addNoise } from './diffusion/prediction.ts';
import { lplTargets } from './losses/latentPerceptualLoss.ts';
import type { LplOptions } from './losses/lplOptions.ts';
import { globalNorm } from './optim/clipGradNorm.ts';
import { gradientsOf, type Differentiated } from './step/gradients.ts';
import { diffusionErrors, perceptualLoss } from './step/losses.ts';
import type { Networks, StepOptions } from './step/stepOptions.ts';
import { accumulatorName, clipAndUpdate } from './step/update.ts';
import { tf, type Tensor, type TensorMap } from './tf.ts';

/** Losses of one batch (inputs: step/stepOptions.ts) and their gradients, divided by the number of accumulated batches. */
function lossAndGradients(networks: Networks, o: StepOptions, chosen: number, inputs: TensorMap, state: State): Differentiated {
  const scale = o.lossScaling ? tf.reshape(inputs['loss_scale']!, []) : undefined;
  const { grads, report } = gradientsOf(state, o.trained, (weights) => {
    const noisy = addNoise(inputs['latents']!, inputs['noise']!, inputs['alpha']!, inputs['sigma']!);
    const output = networks.predict(weights, noisy, inputs['timestep']!, inputs);

    const errors = diffusionErrors(o.predictionType, output, inputs);
    const diffusionLoss = tf.mean(tf.mul(errors, inputs['loss_weight']!));
    const report: TensorMap = { diffusion_loss: diffusionLoss, sample_errors: errors };
    let loss = diffusionLoss;

    if (chosen > 0) {
      const lpl = perceptualLoss(o, networks.decoder!(weights), noisy, output, inputs);
      const lplLoss = tf.mean(tf.mul(lpl.perSample, inputs['lpl_loss_weight']!));
      loss = tf.add(diffusionLoss, tf.mul(lplLoss, o.lpl!.weight));
      Object.assign(report, { lpl_loss: lplLoss, lpl_samples: lpl.perSample, lpl_layers: lpl.perLayer, lpl_stats: lpl.stats });
    }
    const averaged = o.accumulation > 1 ? tf.div(loss, o.accumulation) : loss;
    return { scalar: scale ? tf.mul(averaged, scale) : averaged, report: { ...report, loss } };
  });
  return { grads: scale ? new Map([...grads].map(([name, g]) => [name, tf.div(g, scale)])) : grads, report };
}

/** 1 where all the given scalars are finite, else 0. */
const allFinite = (...scalars: Tensor[]): Tensor => tf.min(tf.cast(tf.isFinite(tf.stack(scalars.map((s) => tf.reshape(s, [])))), 'float32'));

/**
 * One optimizer step on one batch. Inputs: `lossInputs` and `updateInputs`. Outputs: loss, diffusion_loss, sample_errors [N], grad_norm,
 * finite (1 or 0; at 0 nothing was updated); with chosen samples lpl_loss, lpl_samples [k], lpl_layers [k,layers], lpl_stats [k,layers,3].
 */
export function trainStep(networks: Networks, o: StepOptions, chosen: number): StepFunction {
  return (inputs, state) => {
    const { grads, report } = lossAndGradients(networks, o, chosen, inputs, state);
    const { norm, ...changes } = clipAndUpdate(o, state, grads, inputs);
    const finite = allFinite(report['loss']!, norm);
    return { outputs: { ...report, grad_norm: norm, finite }, ...changes, applyIf: finite };
  };
}

/** With gradient accumulation: adds one batch's gradients to the sums. Outputs as `trainStep`'s; the norm is this batch's own. */
export function accumulateStep(networks: Networks, o: StepOptions, chosen: number): StepFunction {
  return (inputs, state) => {
    const { grads, report } = lossAndGradients(networks, o, chosen, inputs, state);
    const norm = globalNorm([...grads.values()]), finite = allFinite(report['loss']!, norm);
    const loops = [...grads].map(([name, grad]): UpdateLoop => (own) => ({ [accumulatorName(name)]: tf.add(own.get(accumulatorName(name)), grad) }));
    return { outputs: { ...report, grad_norm: norm, finite }, loops, applyIf: finite };
  };
}

/** With gradient accumulation: the optimizer's step on the sums, which start again from zero. Inputs: `updateInputs`. Outputs: grad_norm, finite. */
export function applyStep(o: StepOptions): StepFunction {
  return (inputs, state) => {
    const sum = (own: State, name: string): Tensor => own.get(accumulatorName(name));
    const cleared = (own: State, names: string[]): TensorMap => Object.fromEntries(names.map((name) => [accumulatorName(name), tf.zerosLike(sum(own, name))]));
    const { norm, updates, loops } = clipAndUpdate(o, state, new Map(o.trained.map((name) => [name, sum(state, name)])), inputs, sum);
    const finite = allFinite(norm), outputs = { grad_norm: norm, finite };
    if (loops.length === 0) return { outputs, updates: { ...updates, ...cleared(state, o.trained) }, applyIf: finite };
    return { outputs, loops: loops.map((loop, i) => (own) => ({ ...loop(own), ...cleared(own, [o.trained[i]!]) })), applyIf: finite };
  };
}

/** The LPL targets of latents [n,h,w,4] (scaled), to be cached and fed. Input: latents. Outputs: lplTargetNames. */
export function targetsStep(networks: Networks, options: LplOptions): StepFunction {
  return ({ latents }, state) => ({ outputs: lplTargets(networks.decoder!(state), options, latents!) });
}

export const targetsInput = (n: number, h: number, w: number, c: number): Record<string, InputSpec> => ({ latents: { shape: [n, h, w, c], dtype: 'float32' } });
