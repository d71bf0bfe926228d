/** The built-in model's tokenizer folders, as SDXL's: one vocabulary, padded with the end token and with "!". */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readVocabulary } from '../../main/engine/models/clipVocabulary.ts';
import { makeTokenizer, type ClipTokenizer } from '../../main/engine/models/tokenizer.ts';
import { learnBpe } from './bpe.ts';

const [bos, eos] = ['<|startoftext|>', '<|endoftext|>'];
const merges = 900;

function writeTokenizer(folder: string, files: { vocab: Record<string, number>; merges: string }, pad: string): void {
  mkdirSync(folder, { recursive: true });
  const special = { bos_token: bos, eos_token: eos, unk_token: eos, pad_token: pad };
  writeFileSync(join(folder, 'vocab.json'), JSON.stringify(files.vocab));
  writeFileSync(join(folder, 'merges.txt'), files.merges);
  writeFileSync(join(folder, 'special_tokens_map.json'), JSON.stringify(special, null, 2));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: 'CLIPTokenizer', model_max_length: 77, ...special, do_lower_case: true, errors: 'replace', add_prefix_space: false }, null, 2));
}

/** Learns the vocabulary from the captions, writes tokenizer and tokenizer_2 under `dir`, and opens them. */
export async function makeVocabulary(dir: string, captions: string[]): Promise<[ClipTokenizer, ClipTokenizer]> {
  const files = learnBpe(captions, merges);
  writeTokenizer(join(dir, 'tokenizer'), files, eos);
  writeTokenizer(join(dir, 'tokenizer_2'), files, '!');
  const [first, second] = await Promise.all(['tokenizer', 'tokenizer_2'].map(async (t) => makeTokenizer(await readVocabulary(join(dir, t)))));
  return [first!, second!];
}
