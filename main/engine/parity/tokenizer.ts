/** Parity of the tokenizers: exactly transformers' ids, under both padding conventions. */
import { loadTokenizer } from '../models/tokenizer.ts';
import { readJson } from './fixture.ts';
import { judge, mismatch, TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

interface Case { text: string; ids: number[]; ids_2: number[] }

export const tokenizer: ParitySection = {
  name: 'tokenizer',
  files: ['tokenizer.json', ...['tokenizer', 'tokenizer_2'].flatMap((t) => [`tiny-sdxl/${t}/vocab.json`, `tiny-sdxl/${t}/merges.txt`])],
  async *run(dir: string): AsyncGenerator<ParityResult> {
    const cases = await readJson(`${dir}/tokenizer.json`) as Case[];
    for (const [folder, key] of [['tokenizer', 'ids'], ['tokenizer_2', 'ids_2']] as const) {
      const clip = await loadTokenizer({ kind: 'folder', folder: `${dir}/tiny-sdxl/${folder}` });
      for (const c of cases) yield judge('tokenizer', `${folder}: ${JSON.stringify(c.text.slice(0, 40))}`, mismatch(clip.encode(c.text), c[key]), TOLERANCE.exact, 'share of ids that differ');
    }
  },
};
