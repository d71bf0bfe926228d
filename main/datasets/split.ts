/** The validation split: drawn by seed, frozen by content, groups of near-duplicates never on both sides. */
import { createHash } from 'node:crypto';
import type { Item, Split } from './model.ts';

/** Pictures that must stay on one side: equal and nearly equal ones. */
export const groupKey = (item: Item): number => item.nearGroup ?? item.duplicateOf ?? item.id;

const draw = (seed: number, hash: string): string => createHash('sha256').update(`${seed}:${hash}`).digest('hex');
const isUsable = (item: Item): boolean => item.contentHash !== null && item.width !== null && !item.excluded && !item.prior;

/** A group's side by what is frozen of it; one that reaches over both sides goes to training as a whole, so nothing leaks. */
function frozenSide(group: readonly Item[], frozen: ReadonlyMap<string, Split>): Split | undefined {
  const sides = new Set(group.map((i) => (i.contentHash === null ? undefined : frozen.get(i.contentHash))).filter((s) => s !== undefined));
  return sides.size > 1 ? 'train' : [...sides][0];
}

/**
 * The side of every picture. Frozen groups keep theirs; of the others, groups in the order of their seeded hash go to validation until
 * it holds `fraction` of the usable pictures (at least one picture when fraction > 0 and there are two groups). Regularisation sets and unreadable
 * pictures always train.
 */
export function drawSplit(items: readonly Item[], fraction: number, seed: number, frozen: ReadonlyMap<string, Split>): Map<number, Split> {
  const usable = items.filter(isUsable);
  const groups = [...Map.groupBy(usable, groupKey).values()];
  const sides = new Map<number, Split>(items.map((i) => [i.id, 'train']));
  const wanted = fraction === 0 || groups.length < 2 ? 0 : Math.max(1, Math.round(fraction * usable.length));
  const put = (group: readonly Item[], side: Split): number => { for (const i of group) sides.set(i.id, side); return side === 'validation' ? group.length : 0; };
  let have = 0;
  const open: { group: Item[]; key: string }[] = [];
  for (const group of groups) {
    const side = frozenSide(group, frozen);
    if (side) have += put(group, side);
    else open.push({ group, key: draw(seed, group.map((i) => i.contentHash!).sort()[0]!) });
  }
  open.sort((a, b) => (a.key < b.key ? -1 : 1));
  for (const { group } of open) {
    const fits = have < wanted && (have === 0 || have + group.length <= wanted + group.length / 2);
    have += put(group, fits && group.length < usable.length ? 'validation' : 'train');
  }
  return sides;
}
