/** Tokens and text encoders of the built-in model: two small CLIP encoders over one small vocabulary. */
import type { Tensor } from '../../main/engine/tf.ts';
import type { HostTensor } from '../../main/engine/backend/executor.ts';
import { clipWeightShapes, parseClipConfig } from '../../main/engine/models/clip.ts';
import type { ModelContext } from '../../main/engine/models/context.ts';
import { encodePromptSdxl } from '../../main/engine/models/promptEncoder.ts';
import type { WeightShapes } from '../../main/engine/models/weightShapes.ts';
import { textEncoderConfig } from './configs.ts';

/** text -> 77 ids, as the pipeline makes them for each encoder */
export type Tokenizer = (text: string) => ArrayLike<number>;
export interface TextModel {
  shapes: [WeightShapes, WeightShapes];
  ids(captions: string[]): { ids_1: HostTensor; ids_2: HostTensor };
  /** both penultimate states side by side [N,77,2D], the second encoder's pooled output [N,P] */
  encode(first: ModelContext, second: ModelContext, ids1: Tensor, ids2: Tensor): { states: Tensor; pooled: Tensor };
}

/** Weights of the first encoder's last layer, which SDXL never reads. */
export const unreadText = /^text_encoder\/text_model\.(encoder\.layers\.2\.|final_layer_norm)/;

/** The two encoders over a vocabulary. `tokenizers` pad with the end token, and with "!", as SDXL's do. */
export function textModel(vocabSize: number, tokenizers: [Tokenizer, Tokenizer]): TextModel {
  const configs = [false, true].map((second) => parseClipConfig(textEncoderConfig(second, vocabSize)));
  const cache = tokenizers.map(() => new Map<string, ArrayLike<number>>());
  const ids = (which: 0 | 1, captions: string[]): HostTensor => {
    const data = new Int32Array(captions.length * 77);
    captions.forEach((text, i) => {
      const known = cache[which]!.get(text) ?? tokenizers[which](text);
      cache[which]!.set(text, known);
      data.set(known, i * 77);
    });
    return { shape: [captions.length, 77], data };
  };
  return {
    shapes: [clipWeightShapes(configs[0]!), clipWeightShapes(configs[1]!)],
    ids: (captions) => ({ ids_1: ids(0, captions), ids_2: ids(1, captions) }),
    encode: (first, second, ids1, ids2) => encodePromptSdxl({ ctx: first, config: configs[0]! }, { ctx: second, config: configs[1]! }, ids1, ids2),
  };
}
