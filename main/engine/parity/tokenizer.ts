/** Parity of the tokenizers: exactly transformers' ids, under both padding conventions. */
import { loadTokenizer } from '../models/tokenizer.ts';
import { hasSecondEncoder, readJson } from './fixture.ts';
import { absentPart, judge, mismatch, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

interface Case { text: string; ids?: number[]; ids_2?: number[] }
const PARTS = [['tokenizer', 'ids'], ['tokenizer_2', 'ids_2']] as const;

export const tokenizer: ParitySection = {
  name: 'tokenizer',
  files: ['tokenizer.json', ...['tokenizer', 'tokenizer_2'].flatMap((t) => [`tiny-sdxl/${t}/vocab.json`, `tiny-sdxl/${t}/merges.txt`])],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const cases = await readJson(`${dir}/tokenizer.json`) as Case[], parts = (await hasSecondEncoder(dir)) ? PARTS : PARTS.slice(0, 1);
    for (const [folder, key] of parts) {
      const clip = await loadTokenizer({ kind: 'folder', folder: `${dir}/tiny-sdxl/${folder}` });
      for (const c of cases) {
        const part = `${folder}: ${JSON.stringify(c.text.slice(0, 40))}`;
        yield c[key] ? judge('tokenizer', part, mismatch(clip.encode(c.text), c[key]), TOLERANCE.exact, 'share of ids that differ') : absentPart('tokenizer', part, [key]);
      }
    }
  },
};
