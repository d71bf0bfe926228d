/** Finds equal and nearly equal pictures of a data set and writes the groups down. */
import type { DatasetContext, Work } from './context.ts';
import { Groups, joinNearDuplicates } from './duplicates.ts';
import type { Item } from './model.ts';

/** Flat pictures all look alike; they are only compared by content. */
const FLAT = 0.995;

/** Compares all readable pictures. Exact copies point at the first of their kind by name; near groups carry their first member's id. */
export async function findDuplicates(context: DatasetContext, datasetId: string, work: Work): Promise<void> {
  const { db, items } = context;
  const readable = items.all(datasetId).filter((i) => i.contentHash !== null && i.width !== null);
  const byContent = Map.groupBy(readable, (i) => i.contentHash!);
  const firsts = [...byContent.values()].map((same) => same[0]!).filter((i) => (i.flatness ?? 0) < FLAT && items.signature(i.id) !== undefined);
  const groups = new Groups(firsts.length);
  await joinNearDuplicates({
    n: firsts.length, signature: (i) => items.signature(firsts[i]!.id)!, signal: work.signal,
    progress: (done) => work.progress('Comparing pictures', done, firsts.length),
  }, groups);
  const members = Map.groupBy(firsts.map((item, i) => ({ item, root: groups.find(i) })), (m) => m.root);
  db.transaction(() => {
    const nearOf = new Map<number, number>();
    for (const [root, group] of members) if (group.length > 1) for (const { item } of group) nearOf.set(item.id, firsts[root]!.id);
    for (const same of byContent.values()) same.forEach((item, i) => write(item, i === 0 ? null : same[0]!.id, nearOf.get(same[0]!.id) ?? null));
  })();

  function write(item: Item, duplicateOf: number | null, nearGroup: number | null): void {
    if (item.duplicateOf !== duplicateOf || item.nearGroup !== nearGroup) items.update(item.id, { duplicateOf, nearGroup });
  }
}
