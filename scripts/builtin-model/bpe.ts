/**
 * A small byte-pair vocabulary in CLIP's own file format (vocab.json, merges.txt), learnt from the captions
 * (Sennrich et al. 2016; CLIP's bytes-to-unicode alphabet, lower case, "</w>" at a word's end).
 */

/** CLIP's and GPT-2's reversible map of bytes to printable characters, in vocabulary order. */
function byteAlphabet(): string[] {
  const range = (a: number, b: number): number[] => Array.from({ length: b - a + 1 }, (_, i) => a + i);
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  const others = range(0, 255).filter((b) => !printable.includes(b));
  return [...printable, ...others.map((_, i) => 256 + i)].map((c) => String.fromCodePoint(c));
}

function merged(word: string[], a: string, b: string): string[] {
  const out: string[] = [];
  for (let i = 0; i < word.length; i++) {
    if (word[i] === a && word[i + 1] === b) { out.push(a + b); i++; } else out.push(word[i]!);
  }
  return out;
}

function bestPair(words: { parts: string[]; count: number }[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { parts, count } of words) {
    for (let i = 0; i + 1 < parts.length; i++) {
      const key = `${parts[i]} ${parts[i + 1]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  }
  const [best] = [...counts].sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1));
  return best && best[1] > 1 ? (best[0].split(' ') as [string, string]) : undefined;
}

/** Learns up to `merges` merges from the captions' words. Ties go to the pair that sorts first. */
export function learnBpe(captions: string[], merges: number): { vocab: Record<string, number>; merges: string } {
  const counts = new Map<string, number>();
  for (const word of captions.flatMap((c) => c.toLowerCase().match(/[a-z]+|[0-9]|[^\sa-z0-9]+/g) ?? [])) counts.set(word, (counts.get(word) ?? 0) + 1);
  const words = [...counts].map(([word, count]) => ({ parts: [...word.slice(0, -1), `${word.at(-1)}</w>`], count }));
  const learnt: [string, string][] = [];
  while (learnt.length < merges) {
    const pair = bestPair(words);
    if (!pair) break;
    learnt.push(pair);
    for (const w of words) w.parts = merged(w.parts, ...pair);
  }
  const bytes = byteAlphabet();
  const tokens = [...bytes, ...bytes.map((c) => `${c}</w>`), ...learnt.map((p) => p.join('')), '<|startoftext|>', '<|endoftext|>'];
  return { vocab: Object.fromEntries(tokens.map((t, i) => [t, i])), merges: `#version: 0.2\n${learnt.map((p) => p.join(' ')).join('\n')}\n` };
}
