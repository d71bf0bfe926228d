import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { AppError } from '../../main/contract/errors.ts';
import type { Item } from '../../main/datasets/model.ts';
import { parseQuery } from '../../main/datasets/query.ts';
import { queryFields, type Picture } from '../../main/datasets/queryFields.ts';

function pictureOf(id: number, changes: Partial<Item>, flags: Picture['flags'] = []): Picture {
  const item = {
    id, file: `${id}.png`, captions: [], excluded: false, excludedReason: null, repeats: 1, classTokens: '', prior: false, weight: 1, flip: true, crop: null, split: 'train', bytes: 1, format: 'png', width: 1024, height: 768,
    alpha: false, animated: false, sharpness: 50, flatness: 0.1, nearGroup: null, diskCaptions: [], captionSource: 'none', conflictCaptions: null, tokens: 10, ...changes,
  } as unknown as Item;
  return { item, bucket: { width: 1024, height: 768 }, crop: null, flags, reasons: [] };
}
const set = [
  pictureOf(1, { captions: ['a black cat, red hat, long_hair'], tokens: 80, width: 2048, height: 1024 }),
  pictureOf(2, { captions: ['dog, hat'], excluded: true, file: 'My Dogs/2.png' }, ['blurred']),
  pictureOf(3, { captions: ['cat, dog'], width: 512, height: 512, prior: true }, ['too-small', 'near-duplicate']),
  pictureOf(4, { width: null, height: null, tokens: null, sharpness: null }, ['unreadable', 'no-caption']),
];
const find = (query: string): number[] => set.filter(parseQuery(query)).map((p) => p.item.id);

describe('the filter language', () => {
  it.each<[string, number[]]>([
    ['', [1, 2, 3, 4]], ['cat', [1, 3]], ['CAT', [1, 3]], ['"black cat"', [1]], ['tag:cat', [3]], ['tag:"red hat"', [1]], ['tag:"long hair"', [1]], ['tag:*hat', [1, 2]], ['tag:d*g', [2, 3]], ['tag:hat', [2]],
    ['text:"red hat"', [1]], ['cat dog', [3]], ['cat AND dog', [3]], ['cat OR dog', [1, 2, 3]], ['NOT cat', [2, 4]], ['-cat', [2, 4]], ['cat -dog', [1]], ['NOT (cat OR dog)', [4]],
    ['cat OR dog AND excluded:yes', [1, 2, 3]], ['(cat OR dog) AND excluded:yes', [2]], ['tokens:>75', [1]], ['tokens>75', [1]], ['tokens:<=10', [2, 3]], ['tokens:10..80', [1, 2, 3]], ['tokens:80', [1]], ['tokens:!=80', [2, 3]],
    ['width:>=1k', [1, 2]], ['height:<768', [3]], ['area:>1mp', [1]], ['area:<0.5mp', [3]], ['aspect:4/3', [2]], ['aspect:>1.9', [1]], ['aspect:=1', [3]],
    ['excluded:no', [1, 3, 4]], ['excluded:true', [2]], ['prior:yes', [3]], ['issue:blurred', [2]], ['issue:any', [2, 3, 4]], ['issue:none', [1]], ['issue:duplicate', [3]], ['issue:!=blurred', [1, 3, 4]],
    ['file:dogs/', [2]], ['folder:"my dogs"', [2]], ['bucket:1024x768 id:<3', [1, 2]], ['split:train -unsaved:yes', [4]],
  ])('%s', (query, ids) => { expect(find(query)).toEqual(ids); });

  it.each<[string, number, string]>([
    ['(cat', 4, 'not closed'], ['cat)', 3, 'not opened'], ['cat AND', 7, 'missing'], ['colour:red', 0, 'no field'], ['tokens:many', 0, 'number'], ['issue:ugly', 0, 'no issue'], ['tag:>3', 0, 'compares numbers'], ['excluded:maybe', 0, 'yes or no'],
    ['say "hi', 4, 'quote'], ['OR cat', 0, 'cannot stand here'], ['tag:', 0, 'needs a value'], [`${'('.repeat(200)}x`, 100, 'brackets'],
  ])('says what is wrong with %s', (query, at, text) => {
    try { parseQuery(query); expect.unreachable(); } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: 'dataset.query', details: { at } });
      expect((error as AppError).message).toContain(text);
    }
  });

  it('answers any text with pictures or with dataset.query, never with a crash, and quickly', () => {
    const word = fc.oneof(fc.constantFrom('(', ')', 'AND', 'OR', 'NOT', '-', '"', 'tokens:>', ...queryFields.map((f) => `${f}:`)), fc.string({ maxLength: 8 }));
    fc.assert(fc.property(fc.array(word, { maxLength: 20 }), (words) => {
      try { set.filter(parseQuery(words.join(' '))); } catch (error) { expect(error).toMatchObject({ code: 'dataset.query' }); }
    }), { numRuns: 500 });
    expect(find(`tag:${'*a'.repeat(50)}*`)).toEqual([]);
  });

  it('obeys the laws of logic', () => {
    const atom = fc.constantFrom('cat', 'tag:hat', 'tokens:>20', 'excluded:yes', 'issue:any', 'width:<1000');
    fc.assert(fc.property(atom, atom, (a, b) => {
      expect(find(`NOT (${a} AND ${b})`)).toEqual(find(`NOT ${a} OR NOT ${b}`));
      expect(find(`NOT (${a} OR ${b})`)).toEqual(find(`-${a} -${b}`));
    }));
  });
});
