/** Text embeddings of captions and prompts, kept per (text, text encoders). */
import { cacheKey, type CachedTensors, type TensorCache } from './tensorCache.ts';

/** A text's conditioning: `prompt_embeds` [1,77,D] and, for SDXL, `pooled` [1,P]. */
export type EncodeText = (text: string) => Promise<CachedTensors>;
export interface CaptionSource {
  isCached(text: string): boolean;
  embedding(text: string): Promise<CachedTensors>;
}

export function captionSource(cache: TensorCache, encoderHash: string, encode: EncodeText): CaptionSource {
  const key = (text: string): string => cacheKey('caption', 1, encoderHash, text);
  return { isCached: (text) => cache.has(key(text)), embedding: (text) => cache.get(key(text), () => encode(text)) };
}
