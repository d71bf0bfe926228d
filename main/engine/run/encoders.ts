/**
 * The frozen encoders of a run, VAE and text, each on an executor of its own that is made when first needed and can be let go: when
 * everything is cached, no memory is spent on them.
 */
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import { createExecutor } from '../backend/select.ts';
import type { Encode } from '../data/latentCache.ts';
import type { EncodeText } from '../data/captionCache.ts';
import { isEncoderWeight, latentEncoder } from '../data/encodeLatents.ts';
import { openTextEncoder } from '../data/encodeText.ts';
import { loadComponent, type BaseModel } from './baseModel.ts';
import type { Trainables } from '../trainables/trainables.ts';

export interface Encoders {
  encodeImage: Encode;
  encodeText: EncodeText;
  /** Frees the encoders' memory; they are loaded again when needed. */
  release(): void;
}
type Report = (text: string, done: number, total: number) => void;

/** `adapted`: LoRA layers on the text encoders. Computes in fp32 whatever the run's precision: what is cached must not depend on it. */
export function openEncoders(base: BaseModel, { backend, threads }: Pick<RunConfig['training'], 'backend' | 'threads'>, report: Report, adapted: Trainables | null = null): Encoders {
  const start = (): Promise<Executor> => createExecutor({ backend, threads, precision: 'fp32' });
  let image: { executor: Executor; encode: Encode } | undefined, text: { executor: Executor; encode: EncodeText } | undefined;
  const loadImage = async (): Promise<NonNullable<typeof image>> => {
    const executor = await start();
    await loadComponent(executor, base.source, 'vae', { filter: isEncoderWeight, onProgress: (d, t) => report('loading the VAE\'s encoder', d, t) });
    return { executor, encode: latentEncoder(executor, base.vae) };
  };
  const loadText = async (): Promise<NonNullable<typeof text>> => {
    const executor = await start();
    return { executor, encode: await openTextEncoder(executor, base.source, (d, t) => report('loading the text encoders', d, t), adapted) };
  };
  return {
    encodeImage: async (...args) => (image ??= await loadImage()).encode(...args),
    encodeText: async (prompt) => (text ??= await loadText()).encode(prompt),
    release() {
      image?.executor.dispose();
      text?.executor.dispose();
      image = text = undefined;
    },
  };
}
