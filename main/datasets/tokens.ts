/** How much of a caption the text encoder reads. */

/** Tokens of a text, without those that mark beginning and end: the model's own tokenizer, handed in from outside. */
export type CountTokens = (text: string) => number;

export interface CaptionPieces { read: string; cut: string; tokens: number }

/** Counts, remembering: captions repeat, and every look at a picture asks again. */
export function cachedCounter(count: CountTokens, size = 200_000): CountTokens {
  const known = new Map<string, number>();
  return (text) => {
    const hit = known.get(text);
    if (hit !== undefined) return hit;
    if (known.size >= size) known.clear();
    const n = count(text);
    known.set(text, n);
    return n;
  };
}

/** The longest beginning, in whole words, of at most `limit` tokens, and the rest. */
export function cutCaption(caption: string, limit: number, count: CountTokens): CaptionPieces {
  const tokens = count(caption);
  if (tokens <= limit) return { read: caption, cut: '', tokens };
  const ends = [...caption.matchAll(/\S+\s*/g)].map((m) => m.index + m[0].length);
  let low = 0, high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (count(caption.slice(0, ends[middle])) <= limit) low = middle + 1; else high = middle;
  }
  const at = low === 0 ? 0 : ends[low - 1]!;
  return { read: caption.slice(0, at), cut: caption.slice(at), tokens };
}

/** Of the longest alternative. */
export const tokensOf = (captions: readonly string[], count: CountTokens): number => captions.reduce((most, c) => Math.max(most, count(c)), 0);
