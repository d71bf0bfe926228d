/** Text embeddings by text encoders that are being trained: computed when asked for, with the weights as they are then. */
import type { Executor, HostTensor } from '../backend/executor.ts';
import type { ModelSource } from '../checkpoint/modelSource.ts';
import { trainedContext, type Trainables } from '../trainables/trainables.ts';
import type { CaptionSource } from './captionCache.ts';
import { encodeTokens, openTokenizers, tokenInputs } from './encodeText.ts';

/** Defines the step functions (for plain and EMA weights) on the executor that trains. */
export async function trainedCaptions(executor: Executor, source: ModelSource, trainables: Trainables, useEma: boolean): Promise<(ema: boolean) => CaptionSource> {
  const tokenizers = await openTokenizers(source);
  const specs = Object.fromEntries(Object.entries(tokenInputs(tokenizers, [''])).map(([name, t]) => [name, { shape: t.shape, dtype: 'int32' as const }]));
  const name = (ema: boolean): string => `encode_text_trained${ema ? '_ema' : ''}`;
  for (const ema of useEma ? [false, true] : [false]) {
    executor.define(name(ema), specs, (inputs, state) => ({ outputs: { ...encodeTokens(source, state, inputs, (s, component) => trainedContext(s, component, trainables, { ema })) } }));
  }
  const floats = ({ shape, data }: HostTensor): { shape: number[]; data: Float32Array } => ({ shape, data: data as Float32Array });
  return (ema) => ({
    isCached: () => false,
    async embedding(text) {
      const out = await executor.run(name(ema), tokenInputs(tokenizers, [text]));
      return { prompt_embeds: floats(out['promptEmbeds']!), ...(out['pooled'] ? { pooled: floats(out['pooled']) } : {}) };
    },
  });
}
