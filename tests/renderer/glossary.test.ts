/** Words of the field are explained where a beginner meets them. */
import { describe, expect, it } from 'vitest';
import { explain, glossary } from '../../main/contract/glossary.ts';
import { groupTitles, runConfigFields } from '../../main/contract/runConfig.ts';

const texts = [...Object.values(groupTitles), ...runConfigFields.flatMap((f) => [f.title, f.description, f.advice ?? ''])];
const marked = (text: string): string[] => explain(text).filter((p) => p.word).map((p) => p.word!.term);

describe('the glossary', () => {
  it('is sorted, has each word once, and each text is a sentence', () => {
    const terms = glossary.map((w) => w.term);
    expect(terms).toEqual(terms.toSorted((a, b) => a.localeCompare(b, 'en')));
    const spellings = glossary.flatMap((w) => [w.term, ...(w.also ?? [])]).map((s) => s.toLowerCase());
    expect(new Set(spellings).size).toBe(spellings.length);
    for (const w of glossary) expect(w.text, w.term).toMatch(/^[A-Z].{20,}\.$/);
  });
  it('knows every abbreviation that the settings speak of', () => {
    const names = new Set(['SDXL', 'SD', 'MB', 'GB', 'JSON', 'DDIM']); // models, units, formats
    const met = new Set(texts.flatMap((t) => t.match(/\b[A-Z][A-Za-z]*[A-Z]+\b/g) ?? []).filter((w) => !names.has(w)));
    expect([...met].filter((w) => marked(w).length === 0)).toEqual([]);
    expect(met.has('VAE') && met.has('LPL') && met.has('EMA')).toBe(true);
  });
  it('marks whole words, once, and loses no character', () => {
    expect(explain('The VAE decoder; the VAE again')).toMatchObject([{ text: 'The ' }, { text: 'VAE', word: { term: 'VAE' } }, { text: ' decoder; the VAE again' }]);
    expect(marked('Scale by min-SNR')).toEqual(['SNR']);
    expect(marked('Add a loss between the VAE decoder\'s features of the predicted and the true latent.')).toEqual(['VAE', 'Latent']);
    expect(marked('a prank, ranking, seedling, latently, overlatent')).toEqual([]);
    for (const t of texts) expect(explain(t).map((p) => p.text).join('')).toBe(t);
  });
});
