/** CLIP's BPE vocabulary: from a model's tokenizer folder, or the built-in one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AppError } from '../../contract/errors.ts';

export interface SpecialToken { content: string; /** matched after lowercasing too */ normalized: boolean }

export interface ClipVocabulary {
  /** token -> id */
  vocab: Record<string, number>;
  /** "left right", most frequent first */
  merges: string[];
  bos: SpecialToken;
  eos: SpecialToken;
  pad: SpecialToken;
  /** length of a padded sequence: 77 */
  maxLength: number;
}

export const BOS = '<|startoftext|>', EOS = '<|endoftext|>';
const SEQUENCE = 77;

/** GPT-2's byte alphabet: each byte as a printable character, printable bytes first (Radford et al. 2019). */
function byteAlphabet(): string[] {
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  return [...printable, ...range(256, 255 + 256 - printable.length)].map((code) => String.fromCharCode(code));
}

/** The vocabulary that a list of merges implies, in CLIP's order of ids. */
function vocabFrom(merges: string[]): Record<string, number> {
  const bytes = byteAlphabet();
  const tokens = [...bytes, ...bytes.map((b) => `${b}</w>`), ...merges.map((m) => m.replace(' ', '')), BOS, EOS];
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

const mergeLines = (text: string): string[] => text.split('\n').map((l) => l.trimEnd()).filter((l, i) => l && !(i === 0 && l.startsWith('#version')));

const BUILTIN = new URL('../../../resources/clip/merges.txt.gz', import.meta.url);

/** CLIP's public vocabulary, padding with `padToken`: "<|endoftext|>" for the first encoder, "!" for SDXL's second. */
export async function builtinVocabulary(padToken: string): Promise<ClipVocabulary> {
  const merges = mergeLines(gunzipSync(await readFile(BUILTIN)).toString('utf8'));
  const special = (content: string): SpecialToken => ({ content, normalized: content !== '!' });
  return { vocab: vocabFrom(merges), merges, bos: special(BOS), eos: special(EOS), pad: special(padToken), maxLength: SEQUENCE };
}

type TokenField = string | { content: string; normalized?: boolean } | null | undefined;
interface TokenizerFiles { bos_token?: TokenField; eos_token?: TokenField; pad_token?: TokenField; model_max_length?: number }

async function readOptional(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

const damaged = (folder: string, why: string): AppError => new AppError('model.tokenizer_damaged', `The tokenizer in ${folder} cannot be used: ${why}.`,
  'Copy the tokenizer folder again from where the model comes from; it holds vocab.json and merges.txt.', { folder });

function parse<T>(folder: string, file: string, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw damaged(folder, `${file} is not JSON`);
  }
}

/** vocab.json with merges.txt, or both out of tokenizer.json. */
async function readBpe(folder: string): Promise<{ vocab: Record<string, number>; merges: string[] }> {
  const [vocabText, mergesText, whole] = await Promise.all(['vocab.json', 'merges.txt', 'tokenizer.json'].map((f) => readOptional(join(folder, f))));
  const vocab = parse<Record<string, number>>(folder, 'vocab.json', vocabText);
  if (vocab && mergesText !== undefined) return { vocab, merges: mergeLines(mergesText) };
  const model = parse<{ model?: { type?: string; vocab?: Record<string, number>; merges?: (string | string[])[] } }>(folder, 'tokenizer.json', whole)?.model;
  if (!model?.vocab || !model.merges) throw damaged(folder, 'it has neither vocab.json with merges.txt nor a BPE tokenizer.json');
  return { vocab: model.vocab, merges: model.merges.map((m) => (Array.isArray(m) ? m.join(' ') : m)) };
}

/** Reads a tokenizer folder as transformers lays it out. Throws model.tokenizer_damaged. */
export async function readVocabulary(folder: string): Promise<ClipVocabulary> {
  const { vocab, merges } = await readBpe(folder);
  const [config, map] = await Promise.all(['tokenizer_config.json', 'special_tokens_map.json'].map(async (f) => parse<TokenizerFiles>(folder, f, await readOptional(join(folder, f))) ?? {})) as [TokenizerFiles, TokenizerFiles];
  const special = (key: 'bos_token' | 'eos_token' | 'pad_token', fallback: string): SpecialToken => {
    const field = map[key] ?? config[key] ?? fallback;
    const token = typeof field === 'string' ? { content: field, normalized: false } : { content: field.content, normalized: field.normalized ?? true };
    if (!Object.hasOwn(vocab, token.content)) throw damaged(folder, `its vocabulary lacks the ${key} "${token.content}"`);
    return token;
  };
  const limit = config.model_max_length;
  return { vocab, merges, bos: special('bos_token', BOS), eos: special('eos_token', EOS), pad: special('pad_token', EOS), maxLength: limit && limit >= 3 && limit < SEQUENCE ? limit : SEQUENCE };
}
