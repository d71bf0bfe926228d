import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadTokenizer, writeBuiltinTokenizer } from '../../main/engine/models/tokenizer.ts';
import { readJson } from '../../main/engine/parity/fixture.ts';

type Case = { text: string; ids: number[]; ids_2: number[] };
const PARITY = process.env['LPL_PARITY_FIXTURES'] ?? new URL('../fixtures/parity', import.meta.url).pathname;
const full = await readJson(new URL('../fixtures/clip-tokens.json', import.meta.url).pathname) as Case[];
const builtin = await loadTokenizer({ kind: 'builtin', padToken: '<|endoftext|>' });
const builtin2 = await loadTokenizer({ kind: 'builtin', padToken: '!' });

/** The fixture leaves out all but the first of the padding. */
const padded = (ids: number[]): number[] => Array.from({ length: 77 }, (_, i) => ids[i] ?? ids.at(-1)!);

describe('CLIP tokenizer', () => {
  it('gives transformers\' ids with a model\'s own files, either padding', async () => {
    const [a, b] = await Promise.all(['tokenizer', 'tokenizer_2'].map((f) => loadTokenizer({ kind: 'folder', folder: `${PARITY}/tiny-sdxl/${f}` })));
    for (const { text, ids, ids_2 } of await readJson(`${PARITY}/tokenizer.json`) as Case[]) {
      expect([...a!.encode(text)], text).toEqual(ids);
      expect([...b!.encode(text)], text).toEqual(ids_2);
    }
  });

  it('gives transformers\' ids with the built-in vocabulary, on odd texts too', () => {
    expect(builtin.vocabSize).toBe(49408);
    for (const { text, ids, ids_2 } of full) {
      expect([...builtin.encode(text)], text).toEqual(padded(ids));
      expect([...builtin2.encode(text)], text).toEqual(padded(ids_2));
    }
  });

  it('writes the built-in vocabulary as a folder that reads the same, from tokenizer.json alone too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lpl-tokenizer-'));
    try {
      await writeBuiltinTokenizer(folder, '!');
      const again = await loadTokenizer({ kind: 'folder', folder });
      for (const { text, ids_2 } of full) expect([...again.encode(text)], text).toEqual(padded(ids_2));
      const vocab = await readJson(join(folder, 'vocab.json'));
      await writeFile(join(folder, 'tokenizer.json'), JSON.stringify({ model: { type: 'BPE', vocab, merges: [['a', 'b</w>']] } }));
      await rm(join(folder, 'merges.txt'));
      expect((await loadTokenizer({ kind: 'folder', folder })).count('ab cd')).toBe(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says where a caption is cut off', () => {
    const fits = Array.from({ length: 75 }, () => 'cat').join(' ');
    expect(builtin.count(fits)).toBe(75);
    expect(builtin.overflow(fits)).toBeUndefined();
    expect(builtin.overflow(`${fits}  dog more`)).toBe(fits.length + 2);
    expect(builtin.overflow('')).toBeUndefined();
    const unbroken = '猫'.repeat(60);
    expect(builtin.count(unbroken)).toBeGreaterThan(75);
    expect(builtin.count(unbroken.slice(0, builtin.overflow(unbroken)))).toBeLessThanOrEqual(75);
  });

  it('cuts exactly what does not fit, for any text', () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 40 }), (words) => {
      const text = words.join(' ');
      const cut = builtin.overflow(text);
      expect(cut === undefined).toBe(builtin.count(text) <= 75);
      if (cut !== undefined) expect(builtin.count(text.slice(0, cut))).toBeLessThanOrEqual(75);
    }), { numRuns: 40, seed: 5 });
  });

  it('takes captions of 10,000 characters', () => {
    const text = 'extraordinary '.repeat(715);
    expect(builtin.encode(text)).toHaveLength(77);
    expect(builtin.overflow(text)).toBeGreaterThan(0);
  });

  it('names what is wrong with a damaged folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lpl-tokenizer-'));
    try {
      await expect(loadTokenizer({ kind: 'folder', folder })).rejects.toMatchObject({ code: 'model.tokenizer_damaged' });
      await writeFile(join(folder, 'vocab.json'), '{ "a": 0');
      await writeFile(join(folder, 'merges.txt'), '');
      await expect(loadTokenizer({ kind: 'folder', folder })).rejects.toThrow(/vocab\.json is not JSON/);
      await writeFile(join(folder, 'vocab.json'), '{ "a": 0 }');
      await expect(loadTokenizer({ kind: 'folder', folder })).rejects.toThrow(/bos_token/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
