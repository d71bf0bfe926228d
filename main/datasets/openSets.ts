/** Data sets in memory: the last few that were asked for. */
import type { DatasetContext } from './context.ts';
import { ItemIndex } from './itemIndex.ts';

const KEPT = 3;

export class OpenSets {
  private readonly open = new Map<string, ItemIndex>();
  private readonly context: DatasetContext;
  constructor(context: DatasetContext) { this.context = context; }

  /** The index of a data set, read when it is not in memory. Throws dataset.not_found. */
  get(id: string): ItemIndex {
    let index = this.open.get(id);
    if (!index) index = new ItemIndex(this.context.items, id, this.context.store.get(id).settings);
    this.open.delete(id);
    this.open.set(id, index);
    for (const old of this.open.keys()) if (this.open.size > KEPT) this.open.delete(old);
    return index;
  }

  /** The index, if it is in memory. */
  peek(id: string): ItemIndex | undefined { return this.open.get(id); }

  /** Forgets what is in memory, after the tables changed underneath. */
  drop(id: string): void { this.open.delete(id); }
}
