/**
 * The pictures that a filter finds, in order: all ids at once, the pictures themselves by the page as they come into
 * sight, so that 100,000 pictures open as fast as a hundred.
 */
import { toAppError, type AppErrorData } from '../../main/contract/errors.ts';
import type { DatasetItem } from '../../main/contract/datasets.ts';
import type { Params } from '../../main/contract/methods.ts';
import { call } from '../api/api.ts';

const PAGE = 200;
export type Sort = NonNullable<Params<'datasets.items'>['sort']>;

interface Find { id: string; query: string; sort: Sort; descending: boolean }

export class Pictures {
  readonly datasetId: string;
  ids: number[] = $state.raw([]);
  items: ReadonlyMap<number, DatasetItem> = $state.raw(new Map());
  query = $state('');
  sort: Sort = $state('name');
  descending = $state(false);
  error: AppErrorData | null = $state.raw(null);
  loaded = $state(false);
  /** what `ids` are the answer to: another object when the question was another one */
  found: Find;
  #asked = 0;
  #last: Promise<void> = Promise.resolve();
  /** pages of `ids` that are there or on their way */
  #pages = new Set<number>();
  #seen: readonly [number, number] = [0, 60];

  constructor(datasetId: string) {
    this.datasetId = datasetId;
    this.found = $state.raw(this.#what);
  }

  get #what(): Find { return { id: this.datasetId, query: this.query, sort: this.sort, descending: this.descending }; }
  /** The filter whose pictures are shown: `query`, as soon as its answer is there. */
  get shown(): string { return this.found.query; }

  /**
   * Asks for everything again; pictures in sight stay until the new ones are there. Done when the newest question is answered, whoever asked it.
   * `keep`: a picture that stays, and stays where it was although the filter no longer finds it, because it is being worked on.
   */
  async refresh(keep: number | null = null): Promise<void> {
    this.#last = this.#read(keep);
    let last;
    do { last = this.#last; await last; } while (last !== this.#last);
  }

  async #read(keep: number | null): Promise<void> {
    const asked = ++this.#asked, what = this.#what, pages = new Set<number>();
    try {
      const ids = await call('datasets.ids', what);
      const place = keep === null || ids.includes(keep) || what.query !== this.shown ? -1 : this.ids.indexOf(keep);
      if (place >= 0) ids.splice(Math.min(place, ids.length), 0, keep!);
      if (asked !== this.#asked) return;
      const fresh = await this.#load(this.#seen, ids, pages, what);
      if (keep !== null && ids.includes(keep) && !fresh.has(keep)) {
        const kept = await this.#one(keep);
        if (kept) fresh.set(keep, kept); else ids.splice(ids.indexOf(keep), 1);
      }
      if (asked !== this.#asked) return;
      [this.ids, this.items, this.#pages, this.error] = [ids, fresh, pages, null];
      if (JSON.stringify(what) !== JSON.stringify(this.found)) this.found = what;
    } catch (error) {
      if (asked === this.#asked) this.error = toAppError(error);
    } finally {
      if (asked === this.#asked) this.loaded = true;
    }
  }

  /** Positions from..to are in sight: loads what is missing of them. */
  async see(from: number, to: number): Promise<void> {
    this.#seen = [from, to];
    const pages = this.#pages;
    try {
      const fresh = await this.#load(this.#seen, this.ids, pages, this.found);
      if (pages === this.#pages && fresh.size > 0) this.items = new Map([...this.items, ...fresh]);
    } catch (error) { this.error = toAppError(error); }
  }

  /** Loads one picture that nobody has looked at so far. */
  async need(id: number): Promise<void> {
    const item = this.items.has(id) ? null : await this.#one(id).catch(() => null);
    if (item && this.ids.includes(id)) this.items = new Map([...this.items, [id, item]]);
  }

  /** Null: it has left the data set. */
  async #one(id: number): Promise<DatasetItem | null> {
    try { return await call('datasets.item', { id: this.datasetId, item_id: id }); } catch (error) {
      if (toAppError(error).code === 'dataset.item_not_found') return null;
      throw error;
    }
  }

  async #load([from, to]: readonly [number, number], ids: readonly number[], pages: Set<number>, what: Find): Promise<Map<number, DatasetItem>> {
    const missing: number[] = [];
    for (let p = Math.floor(Math.max(0, from - 1) / PAGE); p * PAGE <= to && p * PAGE < Math.max(1, ids.length); p += 1) if (!pages.has(p)) missing.push(p);
    for (const p of missing) pages.add(p);
    try {
      const answers = await Promise.all(missing.map((p) => call('datasets.items', { ...what, offset: p * PAGE, limit: PAGE })));
      return new Map(answers.flatMap((a) => a.items.map((item) => [item.id, item] as const)));
    } catch (error) {
      for (const p of missing) pages.delete(p);
      throw error;
    }
  }
}
