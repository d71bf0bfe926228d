/** Runs optimizer steps: picks the step function of the batch's shape, feeds it, and gathers what it reports. */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import type { HostBatch } from '../data/loadBatch.ts';
import { lplLayerShapes } from '../losses/lplShapes.ts';
import { vaeFactor } from '../models/vae.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { latentShape, trainingSpecs } from '../run/specs.ts';
import { snrStatistics } from '../step/hostInputs.ts';
import { withLossScale } from '../step/lossScale.ts';
import { lossInputs, updateInputs, type BatchShape, type Networks, type StepOptions } from '../step/stepOptions.ts';
import { accumulateStep, applyStep, trainStep } from '../trainStep.ts';
import type { StepReport } from '../trainProgram.ts';
import { FedTargets, type TargetCache } from './fedTargets.ts';
import { addRecord, emptyRecord, lplMetrics, type LplRecord } from './lplMetrics.ts';
import { padChosen, paddedCount, padWeights } from './lplCounts.ts';
import type { StepNumbers } from './stepNumbers.ts';

export interface RunnerParts { executor: Executor; base: BaseModel; options: StepOptions; numbers: StepNumbers; networks: Networks; method: RunConfig['method']; /** text encoders are trained: the step embeds captions itself */ liveText: boolean; targetCache: TargetCache; /** told before a shape runs for the first time, which takes much longer */ onFirstUse(size: readonly [number, number], chosen: number): void }

/** Sums over the micro-batches of one step. */
interface Tally { diffusion: number; lpl: number; loss: number; finite: boolean; bad: string[]; record: LplRecord; timesteps: number[]; norm: number; /** a shape ran for the first time */ first: boolean }

export class ProgramRunner {
  readonly #p: RunnerParts;
  readonly #fed: FedTargets | null;
  readonly #used = new Set<string>();
  constructor(parts: RunnerParts) {
    this.#p = parts;
    const { executor, networks, base, options: { lpl }, targetCache } = parts;
    this.#fed = lpl?.targets === 'fed' ? new FedTargets(executor, networks, base, lpl.options, targetCache) : null;
  }

  /** Defines the step for batches of n pictures of this size, `chosen` of them in LPL, unless it is there. Returns its name. */
  define([width, height]: readonly [number, number], n: number, chosen: number): string {
    const { executor, base, options, networks, method, liveText } = this.#p, name = `train_${width}x${height}_n${n}_lpl${chosen}`;
    if (executor.isDefined(name)) return name;
    const [, h, w, c] = latentShape(base, n, width, height) as [number, number, number, number];
    const inputs = lossInputs({ n, h, w, c, chosen } satisfies BatchShape, trainingSpecs(base, n, method, liveText), chosen && this.#fed ? this.#fed.specs(chosen, h, w) : {}, options.lossScaling);
    if (options.accumulation === 1) executor.define(name, { ...inputs, ...updateInputs(options) }, trainStep(networks, options, chosen));
    else {
      executor.define(name, inputs, accumulateStep(networks, options, chosen));
      if (!executor.isDefined('apply')) executor.define('apply', updateInputs(options), applyStep(options));
    }
    return name;
  }

  /** One optimizer step (from 0). */
  async step(step: number, batches: HostBatch[]): Promise<StepReport> {
    const { executor, numbers, options } = this.#p, timesteps = numbers.timesteps(step);
    const tally: Tally = { diffusion: 0, lpl: 0, loss: 0, finite: true, bad: [], record: emptyRecord(), timesteps: [], norm: NaN, first: false };
    for (const [micro, batch] of batches.entries()) {
      await this.#batch(step, micro, batch, timesteps[micro]!, tally);
      if (!tally.finite) break;
    }
    if (options.accumulation > 1 && tally.finite) {
      const out = await executor.run('apply', numbers.updateInputs(step));
      tally.norm = out['grad_norm']!.data[0]!;
      tally.finite = out['finite']!.data[0] === 1;
    }
    return { finite: tally.finite, firstUse: tally.first, badPictures: tally.bad, metrics: this.#metrics(step, tally, batches) };
  }

  async #batch(step: number, micro: number, batch: HostBatch, timesteps: Int32Array, tally: Tally): Promise<void> {
    const { executor, numbers, options } = this.#p, n = timesteps.length;
    const chosen = numbers.chosen(step, timesteps), count = paddedCount(chosen.length, n), padded = count ? padChosen(chosen, count) : [];
    const inputs = numbers.lossInputs(step, micro, batch, timesteps, padded);
    if (count) inputs['lpl_loss_weight'] = padWeights(inputs['lpl_loss_weight']!, chosen.length);
    if (count && this.#fed) Object.assign(inputs, await this.#fed.inputs(batch, padded));
    const name = this.define(this.#sizeOf(batch), n, count);
    if (!this.#used.has(name)) this.#p.onFirstUse(this.#sizeOf(batch), count);
    tally.first ||= !this.#used.has(name);
    this.#used.add(name);
    const fed = options.accumulation === 1 ? { ...inputs, ...numbers.updateInputs(step) } : inputs;
    const out = options.lossScaling ? await withLossScale((loss_scale) => executor.run(name, { ...fed, loss_scale })) : await executor.run(name, fed);
    tally.finite = out['finite']!.data[0] === 1;
    tally.norm = out['grad_norm']!.data[0]!;
    tally.diffusion += out['diffusion_loss']!.data[0]!;
    tally.loss += out['loss']!.data[0]!;
    tally.timesteps.push(...timesteps);
    out['sample_errors']!.data.forEach((e, i) => { if (!Number.isFinite(e)) tally.bad.push(batch.names[i]!); });
    if (!count) return;
    tally.lpl += out['lpl_loss']!.data[0]!;
    addRecord(tally.record, out, chosen.length);
    chosen.forEach((i, k) => { if (!Number.isFinite(out['lpl_samples']!.data[k])) tally.bad.push(batch.names[i]!); });
  }

  #sizeOf({ latents }: HostBatch): [number, number] {
    const factor = vaeFactor(this.#p.base.vae);
    return [latents.shape[2]! * factor, latents.shape[1]! * factor];
  }

  #metrics(step: number, t: Tally, batches: HostBatch[]): Record<string, number> {
    const { numbers, options, base } = this.#p, n = batches.length, metrics: Record<string, number> = { loss: t.loss / n, diffusion_loss: t.diffusion / n, lr: numbers.lr(step), grad_norm: t.norm };
    if (!options.lpl) return metrics;
    const chosen = t.record.perSample.length, { weighting } = numbers;
    Object.assign(metrics, { lpl_samples: chosen, lpl_share: chosen / t.timesteps.length });
    if (!chosen) return metrics;
    const all = Int32Array.from(t.timesteps), threshold = t.timesteps.flatMap((_, i) => (numbers.chosen(step, all.subarray(i, i + 1)).length ? [i] : []));
    const [, h, w] = batches[0]!.latents.shape as [number, number, number];
    return {
      ...metrics, lpl_loss: t.lpl / n, lpl_weight: options.lpl.weight, lpl_weighted_loss: (t.lpl / n) * options.lpl.weight,
      ...snrStatistics(weighting.alphas, t.timesteps, threshold), ...lplMetrics(t.record, lplLayerShapes(options.lpl.options, base.vae, h, w).map((side) => side.reduce((a, b) => a * b, 1))),
    };
  }
}
