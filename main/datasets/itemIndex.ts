/** A data set in memory: its pictures with buckets, crops and issues worked out, for filtering and paging without asking the database. */
import { datasetFlags, type DatasetFlag, type DatasetSettings } from '../contract/datasets.ts';
import { asCandidate, derivePictures } from './derive.ts';
import { bestOf } from './duplicates.ts';
import { isUnsaved, type Item } from './model.ts';
import type { Picture } from './queryFields.ts';
import { groupKey } from './split.ts';
import type { ItemCounts, ItemStore } from './storeItems.ts';

export class ItemIndex {
  private readonly byId = new Map<number, Item>();
  private order: Item[] = [];
  private derived: Picture[] | undefined;
  private readonly store: ItemStore;
  private readonly datasetId: string;
  settings: DatasetSettings;

  constructor(store: ItemStore, datasetId: string, settings: DatasetSettings) {
    this.store = store;
    this.datasetId = datasetId;
    this.settings = settings;
    this.reload();
  }

  /** Reads everything again. */
  reload(): void {
    this.order = this.store.all(this.datasetId);
    this.byId.clear();
    for (const item of this.order) this.byId.set(item.id, item);
    this.derived = undefined;
  }

  /** Reads some pictures again, after a change of theirs was stored. */
  refresh(ids: Iterable<number>): void {
    for (const id of ids) {
      const old = this.byId.get(id), now = this.store.one(id);
      if (old && now) Object.assign(old, now);
    }
    this.derived = undefined;
  }

  changeSettings(settings: DatasetSettings): void {
    this.settings = settings;
    this.derived = undefined;
  }

  items(): readonly Item[] { return this.order; }
  item(id: number): Item | undefined { return this.byId.get(id); }

  /** Every picture with its bucket, crop and issues, by file name. */
  pictures(): readonly Picture[] {
    return this.derived ??= derivePictures(this.order, this.settings);
  }

  /** Groups of equal and nearly equal pictures and the one to keep of each, largest groups first. */
  groups(): { keep: number; items: number[] }[] {
    return [...Map.groupBy(this.order.filter((i) => i.width !== null), groupKey).values()].filter((g) => g.length > 1)
      .map((g) => ({ keep: bestOf(g.map(asCandidate)).id, items: g.map((i) => i.id) })).sort((a, b) => b.items.length - a.items.length);
  }

  counts(): ItemCounts {
    const c = { pictures: this.order.length, included: 0, excluded: 0, unreadable: 0, validation: 0, unsaved: 0, conflicts: 0 };
    for (const i of this.order) {
      if (i.excluded) c.excluded++; else if (i.width === null) c.unreadable++; else { c.included++; if (i.split === 'validation') c.validation++; }
      if (isUnsaved(i)) c.unsaved++;
      if (i.conflictCaptions !== null) c.conflicts++;
    }
    return c;
  }

  flagCounts(): Record<DatasetFlag, number> {
    const counts = Object.fromEntries(datasetFlags.map((f) => [f, 0])) as Record<DatasetFlag, number>;
    for (const p of this.pictures()) for (const f of p.flags) counts[f]++;
    return counts;
  }
}
