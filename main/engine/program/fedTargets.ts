/**
 * LPL targets computed once per latent, kept in memory and on disk within budgets, and fed to the step: possible where latents never change
 * (posterior means). On disk they are found by latent, decoder, options and what computed them, so that a run that reads them goes as one that
 * computes them, bit for bit.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Executor, HostTensor, InputSpec } from '../backend/executor.ts';
import { stacked, type HostBatch } from '../data/loadBatch.ts';
import { cacheRoot } from '../data/cacheRoot.ts';
import { cacheKey, openTensorCache, type CachedTensors, type TensorCache } from '../data/tensorCache.ts';
import type { LplOptions } from '../losses/lplOptions.ts';
import { lplTargetShapes } from '../losses/lplShapes.ts';
import type { BaseModel } from '../run/baseModel.ts';
import type { Networks } from '../step/stepOptions.ts';
import { targetsInput, targetsStep } from '../trainStep.ts';

/** Budgets in MB; `warn` is told when the disk's part is given up. */
export interface TargetCache { memoryMb: number; diskMb: number; /** of the decoder as it computes here */ decoderHash: string; warn(code: string, message: string): void }

function openCache({ memoryMb, diskMb, warn }: TargetCache): TensorCache {
  return openTensorCache({
    dir: diskMb > 0 ? join(cacheRoot(), 'lpl-targets') : null, memoryBytes: memoryMb * 1e6, diskBytes: diskMb * 1e6,
    onDamaged: (file) => warn('cache.damaged', `A damaged file of the cache is computed again: ${file}`),
    onUnwritable: (error) => warn('cache.unwritable', `LPL's target features are no longer kept on disk: ${error.message} Training goes on and computes them anew.`),
  });
}

export class FedTargets {
  readonly #executor: Executor;
  readonly #networks: Networks;
  readonly #base: BaseModel;
  readonly #options: LplOptions;
  readonly #cache: TensorCache;
  readonly #origin: string;

  constructor(executor: Executor, networks: Networks, base: BaseModel, options: LplOptions, cache: TargetCache) {
    [this.#executor, this.#networks, this.#base, this.#options] = [executor, networks, base, options];
    this.#cache = openCache(cache);
    const { backend, kind, version, device, precision } = executor.info, threads = process.env['TF_NUM_INTRAOP_THREADS'] ?? availableParallelism();
    this.#origin = cacheKey(cache.decoderHash, JSON.stringify(options), JSON.stringify(base.vae), backend, kind, version, device, precision, threads);
  }

  /** Inputs of a step with `chosen` samples of latents h × w. */
  specs(chosen: number, h: number, w: number): Record<string, InputSpec> {
    this.#define(h, w);
    return Object.fromEntries(Object.entries(this.#shapes(h, w)).map(([name, shape]) => [name, { shape: [chosen, ...shape], dtype: 'float32' as const }]));
  }

  /** The targets of the batch's samples `rows`, by input name. Beyond the budgets they are computed anew each time. */
  async inputs(batch: HostBatch, rows: number[]): Promise<Record<string, HostTensor>> {
    const [, h, w, c] = batch.latents.shape as [number, number, number, number], size = h * w * c;
    const parts: CachedTensors[] = [];
    for (const row of rows) {
      const latent = (batch.latents.data as Float32Array).subarray(row * size, (row + 1) * size);
      parts.push(await this.#cache.get(cacheKey('lpl', 1, this.#origin, h, w, Buffer.from(latent.buffer, latent.byteOffset, latent.byteLength).toString('base64')), () => this.#compute(latent, [1, h, w, c])));
    }
    return Object.fromEntries(Object.entries(this.#shapes(h, w)).map(([name, shape]) => [`lpl_${name}`, stacked(parts.map((p) => p[name]!.data), shape)]));
  }

  async #compute(latent: Float32Array, shape: number[]): Promise<CachedTensors> {
    const out = await this.#executor.run(this.#define(shape[1]!, shape[2]!), { latents: { shape, data: latent } });
    return Object.fromEntries(Object.entries(out).map(([name, t]) => [name, { shape: t.shape, data: t.data as Float32Array }]));
  }

  #define(h: number, w: number): string {
    const name = `lpl_targets_${w}x${h}`;
    this.#executor.define(name, targetsInput(1, h, w, this.#base.vae.latent_channels), targetsStep(this.#networks, this.#options));
    return name;
  }

  #shapes(h: number, w: number): Record<string, number[]> { return lplTargetShapes(this.#options, this.#base.vae, h, w); }
}
