/** A data set in memory: its pictures with buckets, crops and issues worked out, for filtering and paging without asking the database. */
import { datasetFlags, type DatasetFlag, type DatasetSettings } from '../contract/datasets.ts';
import { bucketSizes } from './buckets.ts';
import { bestOf } from './duplicates.ts';
import { framingOf, issuesOf, type IssueContext } from './issues.ts';
import { isUnsaved, type Item } from './model.ts';
import type { Picture } from './queryFields.ts';
import { groupKey } from './split.ts';
import type { ItemStore } from './storeItems.ts';

const captionKey = (item: Item): string => item.captions.join('\n');

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
    return this.derived ??= this.derive();
  }

  private derive(): Picture[] {
    const context = this.issueContext();
    return this.order.map((item) => {
      const framing = framingOf(item, context.sizes);
      const issues = issuesOf(item, framing, context);
      return { item, bucket: framing?.bucket ?? null, crop: framing?.crop ?? null, flags: issues.map((i) => i.flag), reasons: issues.map((i) => i.reason) };
    });
  }

  private issueContext(): IssueContext {
    const byCaption = Map.groupBy(this.order.filter((i) => i.captions.length > 0), captionKey);
    const nearGroups = Map.groupBy(this.order.filter((i) => i.nearGroup !== null), (i) => i.nearGroup!);
    const best = new Map([...nearGroups].map(([group, items]) => [group, bestOf(items.map(asCandidate)).item]));
    return {
      settings: this.settings, sizes: bucketSizes(this.settings.bucketing),
      sameCaption: (item) => { const same = byCaption.get(captionKey(item)); return same && same.length > 1 ? same : undefined; },
      fileOf: (id) => this.byId.get(id)?.file ?? 'a picture that is gone',
      groupSize: (group) => nearGroups.get(group)?.length ?? 0,
      keepOf: (group) => best.get(group),
    };
  }

  /** Groups of equal and nearly equal pictures and the one to keep of each, largest groups first. */
  groups(): { keep: number; items: number[] }[] {
    const readable = this.order.filter((i) => i.width !== null && (i.nearGroup !== null || i.duplicateOf !== null || this.hasCopies(i)));
    return [...Map.groupBy(readable, groupKey).values()].filter((g) => g.length > 1)
      .map((g) => ({ keep: bestOf(g.map(asCandidate)).id, items: g.map((i) => i.id) })).sort((a, b) => b.items.length - a.items.length);
  }

  private copies: Set<number> | undefined;
  private hasCopies(item: Item): boolean {
    if (!this.derived || !this.copies) this.copies = new Set(this.order.flatMap((i) => (i.duplicateOf === null ? [] : [i.duplicateOf])));
    return this.copies.has(item.id);
  }

  counts(): { pictures: number; included: number; excluded: number; unreadable: number; validation: number; unsaved: number; conflicts: number } {
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

const asCandidate = (item: Item) => ({ id: item.id, width: item.width ?? 0, height: item.height ?? 0, bytes: item.bytes, sharpness: item.sharpness ?? 0, captions: item.captions, file: item.file, item });
