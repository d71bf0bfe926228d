import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { Item, Split } from '../../main/datasets/model.ts';
import { drawSplit, groupKey } from '../../main/datasets/split.ts';
import { openRoom, png, picture, put, tempFolder } from './helpers.ts';

const item = (id: number, changes: Partial<Item> = {}): Item => ({ id, contentHash: `h${id}`, width: 64, excluded: false, prior: false, nearGroup: null, duplicateOf: null, ...changes }) as Item;
const validation = (sides: Map<number, Split>): number[] => [...sides].filter(([, s]) => s === 'validation').map(([id]) => id);

describe('the validation split', () => {
  it('is drawn by seed, of the size asked for, the same every time and in any order', () => {
    const items = Array.from({ length: 200 }, (_, i) => item(i));
    const first = drawSplit(items, 0.1, 42, new Map());
    expect(validation(first)).toHaveLength(20);
    expect(validation(drawSplit(items.toReversed(), 0.1, 42, new Map())).sort((a, b) => a - b)).toEqual(validation(first).sort((a, b) => a - b));
    expect(validation(drawSplit(items, 0.1, 43, new Map()))).not.toEqual(validation(first));
    expect(validation(drawSplit(items, 0, 42, new Map()))).toEqual([]);
    expect(validation(drawSplit([item(1), item(2)], 0.01, 42, new Map()))).toHaveLength(1);
  });

  it('never parts a group, leaves out regularisation sets, and keeps frozen sides when pictures come and go', () => {
    fc.assert(fc.property(fc.array(fc.record({ group: fc.option(fc.nat(5), { nil: null }), prior: fc.boolean(), excluded: fc.boolean() }), { minLength: 2, maxLength: 60 }), fc.double({ min: 0.05, max: 0.5, noNaN: true }), fc.nat(9), (specs, fraction, more) => {
      const all = specs.map((s, i) => item(i, { nearGroup: s.group, prior: s.prior, excluded: s.excluded }));
      const sides = drawSplit(all, fraction, 7, new Map());
      for (const group of Map.groupBy(all.filter((i) => !i.prior && !i.excluded), groupKey).values()) expect(new Set(group.map((i) => sides.get(i.id))).size).toBe(1);
      for (const i of all) if (i.prior) expect(sides.get(i.id)).toBe('train');
      const frozen = new Map(all.filter((i) => !i.prior && !i.excluded).map((i) => [i.contentHash!, sides.get(i.id)!]));
      const later = [...all.slice(1), ...Array.from({ length: more }, (_, n) => item(1_000 + n))];
      const again = drawSplit(later, fraction, 8, frozen);
      for (const i of all.slice(1)) if (!i.prior && !i.excluded) expect(again.get(i.id)).toBe(sides.get(i.id));
    }));
  });

  it('moves a group to training when it comes to reach over both sides', () => {
    const frozen = new Map<string, Split>([['h1', 'train'], ['h2', 'validation']]);
    expect(validation(drawSplit([item(1, { nearGroup: 1 }), item(2, { nearGroup: 1 }), item(3), item(4)], 0.5, 1, frozen))).not.toContain(2);
  });

  it('in a data set: copies stay together, new pictures do not change it, one undo takes it back', async () => {
    const folder = tempFolder();
    for (let i = 0; i < 10; i++) put(folder, `${i}.png`, await png(i));
    for (let i = 0; i < 10; i++) put(folder, `${i} smaller.jpg`, await picture(i).resize(80).jpeg({ quality: 90 }).toBuffer());
    const room = openRoom();
    const { id } = await room.import(folder);
    const drawn = await room.h['datasets.split']({ id, fraction: 0.3, seed: 5, redraw: false });
    expect(drawn).toMatchObject({ train: 14, validation: 6 });
    const sides = async () => Object.fromEntries((await room.items(id)).map((i) => [i.file, i.split]));
    const before = await sides();
    for (let i = 0; i < 10; i++) expect(before[`${i}.png`]).toBe(before[`${i} smaller.jpg`]);
    put(folder, 'new.png', await png(77));
    await room.rescan(id);
    await room.h['datasets.split']({ id, fraction: 0.3, seed: 99, redraw: false });
    expect(await sides()).toMatchObject(before);
    await room.h['datasets.split']({ id, fraction: 0.3, seed: 99, redraw: true });
    expect(await sides()).not.toMatchObject(before);
    const undone = (await room.h['datasets.undo']({ id })).dataset;
    expect(undone.redo).toBe('Draw validation set');
    expect(await sides()).toMatchObject(before);
  });
});
