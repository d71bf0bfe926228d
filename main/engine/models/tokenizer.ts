/** CLIP's tokenizer: byte-pair encoding by Hugging Face's tokenizers, the sequence around it, and where a caption is cut off. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { TokenizerSource } from '../checkpoint/modelSource.ts';
import { BOS, builtinVocabulary, EOS, readVocabulary, type ClipVocabulary, type SpecialToken } from './clipVocabulary.ts';

export interface ClipTokenizer {
  readonly vocabSize: number;
  /** ids in a padded sequence, start and end included: 77 */
  readonly maxLength: number;
  /** start, the text's tokens, end, padding: always maxLength ids; what does not fit is cut off. */
  encode(text: string): Int32Array;
  /** Tokens of the text alone; at most maxLength − 2 of them are seen by the model. */
  count(text: string): number;
  /** Offset (UTF-16) from which on the text is cut off, undefined when it fits. */
  overflow(text: string): number | undefined;
}

const WORDS = "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
const WHITESPACE = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';

/** The pipeline that transformers' CLIPTokenizer sets up, as a tokenizer.json. */
function tokenizerJson({ vocab, merges, bos, eos, pad }: ClipVocabulary): object {
  const distinct = new Map([bos, eos, pad].map((t): [string, SpecialToken] => [t.content, t]));
  const added = [...distinct.values()].map(({ content, normalized }) => ({ id: vocab[content], content, normalized, special: true, single_word: false, lstrip: false, rstrip: false }));
  return {
    version: '1.0', added_tokens: added,
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: `${WHITESPACE}+` }, content: ' ' }, { type: 'Lowercase' }] },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true }, { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }] },
    model: { type: 'BPE', dropout: null, unk_token: eos.content, continuing_subword_prefix: '', end_of_word_suffix: '</w>', fuse_unk: false, vocab, merges },
    post_processor: null, decoder: { type: 'ByteLevel' },
  };
}

/** Longest prefix of `word`, by code points, whose tokens fit into `room`. */
function fittingPrefix(word: string, room: number, count: (text: string) => number): number {
  const points = [...word];
  let low = 0, high = points.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (count(points.slice(0, middle).join('')) <= room) low = middle; else high = middle - 1;
  }
  return points.slice(0, low).join('').length;
}

/** A tokenizer over a vocabulary. Gives transformers' ids. */
export function makeTokenizer(vocabulary: ClipVocabulary): ClipTokenizer {
  const { vocab, bos, eos, pad, maxLength } = vocabulary;
  const bpe = new Tokenizer(tokenizerJson(vocabulary), {});
  // Σ at a word's end: Unicode's σ, as Rust lowercases a character, where JavaScript, looking at the word, writes ς.
  const tokens = (text: string): number[] => bpe.encode(text.replaceAll('Σ', 'σ'), { add_special_tokens: false }).ids;
  const count = (text: string): number => tokens(text).length;
  return {
    vocabSize: Object.keys(vocab).length,
    maxLength,
    count,
    encode(text) {
      const ids = [vocab[bos.content]!, ...tokens(text).slice(0, maxLength - 2), vocab[eos.content]!];
      return Int32Array.from({ length: maxLength }, (_, i) => ids[i] ?? vocab[pad.content]!);
    },
    overflow(text) {
      let room = maxLength - 2;
      for (const word of text.matchAll(new RegExp(`${WHITESPACE.replace('[', '[^')}+`, 'gu'))) {
        const needed = count(word[0]);
        if (needed > room) return word.index + fittingPrefix(word[0], room, count);
        room -= needed;
      }
      return undefined;
    },
  };
}

/** The tokenizer of a model. Throws model.tokenizer_damaged. */
export async function loadTokenizer(source: TokenizerSource): Promise<ClipTokenizer> {
  return makeTokenizer(source.kind === 'folder' ? await readVocabulary(source.folder) : await builtinVocabulary(source.padToken));
}

/** Writes the built-in vocabulary as a tokenizer folder that diffusers and transformers open. */
export async function writeBuiltinTokenizer(folder: string, padToken: string): Promise<void> {
  const { vocab, merges } = await builtinVocabulary(padToken);
  const special = (content: string) => ({ content, lstrip: false, normalized: true, rstrip: false, single_word: false });
  const tokens = { bos_token: special(BOS), eos_token: special(EOS), pad_token: padToken, unk_token: special(EOS) };
  const config = { add_prefix_space: false, ...tokens, do_lower_case: true, errors: 'replace', model_max_length: 77, tokenizer_class: 'CLIPTokenizer' };
  await mkdir(folder, { recursive: true });
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  await Promise.all(Object.entries({
    'vocab.json': JSON.stringify(vocab), 'merges.txt': `#version: 0.2\n${merges.join('\n')}\n`,
    'special_tokens_map.json': json(tokens), 'tokenizer_config.json': json(config),
  }).map(([file, text]) => writeFile(join(folder, file), text)));
}
