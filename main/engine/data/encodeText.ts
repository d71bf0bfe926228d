/** A model's text encoders on an executor: text to what the UNet is conditioned on. */
import type { Executor, HostTensor, State } from '../backend/executor.ts';
import type { ComponentName, ModelSource } from '../checkpoint/modelSource.ts';
import { parseClipConfig } from '../models/clip.ts';
import type { ModelContext } from '../models/context.ts';
import { encodePromptSd15, encodePromptSdxl, type TextEncoder } from '../models/promptEncoder.ts';
import { loadTokenizer, type ClipTokenizer } from '../models/tokenizer.ts';
import { loadTextEncoders } from '../run/baseModel.ts';
import { stateContext } from '../run/stateContext.ts';
import type { Tensor, TensorMap } from '../tf.ts';
import { declareTrainables, trainedContext, type Trainables } from '../trainables/trainables.ts';
import type { EncodeText } from './captionCache.ts';

type ContextOf = (state: State, component: ComponentName) => ModelContext;

/** Tokens of a text for each of the model's encoders, [77] each. */
export interface Tokenizers { readonly first: ClipTokenizer; readonly second: ClipTokenizer | null }

export async function openTokenizers(source: ModelSource): Promise<Tokenizers> {
  const { tokenizer, tokenizer_2 } = source.tokenizers;
  return { first: await loadTokenizer(tokenizer!), second: source.has('text_encoder_2') && tokenizer_2 ? await loadTokenizer(tokenizer_2) : null };
}

/** Token ids of texts by input name: ids and, for SDXL, ids2, [n,77] int32. */
export function tokenInputs({ first, second }: Tokenizers, texts: readonly string[]): Record<string, HostTensor> {
  const ids = (tokenizer: ClipTokenizer): HostTensor => {
    const rows = texts.map((text) => tokenizer.encode(text)), data = new Int32Array(rows.length * tokenizer.maxLength);
    rows.forEach((row, i) => data.set(row, i * tokenizer.maxLength));
    return { shape: [texts.length, tokenizer.maxLength], data };
  };
  return { ids: ids(first), ...(second ? { ids2: ids(second) } : {}) };
}

/** Text states and pooled text from token ids, within a step function. */
export function encodeTokens(source: ModelSource, state: State, { ids, ids2 }: TensorMap, contextOf: ContextOf = stateContext): { promptEmbeds: Tensor; pooled?: Tensor } {
  const encoder = (component: 'text_encoder' | 'text_encoder_2'): TextEncoder => ({ ctx: contextOf(state, component), config: parseClipConfig(source.config(component)) });
  if (!ids2) return { promptEmbeds: encodePromptSd15(encoder('text_encoder'), ids!).states };
  const { states, pooled } = encodePromptSdxl(encoder('text_encoder'), encoder('text_encoder_2'), ids!, ids2);
  return { promptEmbeds: states, pooled };
}

/** Loads the text encoders into `executor`, with `adapted` LoRA layers on them, and returns what embeds one text. */
export async function openTextEncoder(executor: Executor, source: ModelSource, onProgress?: (done: number, total: number) => void, adapted: Trainables | null = null): Promise<EncodeText> {
  const tokenizers = await openTokenizers(source);
  await loadTextEncoders(executor, source, onProgress ? { onProgress } : {});
  if (adapted) await declareTrainables(executor, source, adapted, false);
  const contextOf: ContextOf = adapted ? (state, component) => trainedContext(state, component, adapted) : stateContext;
  const specs = Object.fromEntries(Object.entries(tokenInputs(tokenizers, [''])).map(([name, t]) => [name, { shape: t.shape, dtype: 'int32' as const }]));
  executor.define('encode_text', specs, (inputs, state) => ({ outputs: { ...encodeTokens(source, state, inputs, contextOf) } }));
  return async (text) => {
    const out = await executor.run('encode_text', tokenInputs(tokenizers, [text]));
    const floats = ({ shape, data }: HostTensor): { shape: number[]; data: Float32Array } => ({ shape, data: data as Float32Array });
    return { prompt_embeds: floats(out['promptEmbeds']!), ...(out['pooled'] ? { pooled: floats(out['pooled']) } : {}) };
  };
}
