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

export class Pictures {
  readonly datasetId: string;
  ids: number[] = $state.raw([]);
  items: ReadonlyMap<number, DatasetItem> = $state.raw(new Map());
  query = $state('');
  sort: Sort = $state('name');
  descending = $state(false);
  error: AppErrorData | null = $state.raw(null);
  loaded = $state(false);
  #asked = 0;
  /** the filter that `ids` are of */
  #shown = '';
  #pages = new Set<number>();
  #seen: readonly [number, number] = [0, 60];

  constructor(datasetId: string) { this.datasetId = datasetId; }

  get #what() { return { id: this.datasetId, query: this.query, sort: this.sort, descending: this.descending }; }

  /**
   * Asks for everything again; pictures in sight stay until the new ones are there. `keep`: a picture that stays where it was although the filter
   * no longer finds it, because it is being worked on.
   */
  async refresh(keep: number | null = null): Promise<void> {
    const asked = ++this.#asked, { query } = this;
    try {
      const ids = await call('datasets.ids', this.#what);
      const place = keep === null || ids.includes(keep) || query !== this.#shown ? -1 : this.ids.indexOf(keep);
      const kept = place < 0 ? null : await call('datasets.item', { id: this.datasetId, item_id: keep! });
      if (kept) ids.splice(Math.min(place, ids.length), 0, kept.id);
      if (asked !== this.#asked) return;
      this.#pages = new Set();
      const fresh = await this.#load(this.#seen, ids);
      if (asked !== this.#asked) return;
      this.ids = ids;
      this.#shown = query;
      this.items = kept ? new Map([...fresh, [kept.id, kept]]) : fresh;
      this.error = null;
    } catch (error) {
      if (asked === this.#asked) this.error = toAppError(error);
    } finally {
      if (asked === this.#asked) this.loaded = true;
    }
  }

  /** Positions from..to are in sight: loads what is missing of them. */
  async see(from: number, to: number): Promise<void> {
    this.#seen = [from, to];
    const asked = this.#asked;
    try {
      const fresh = await this.#load(this.#seen, this.ids);
      if (asked === this.#asked && fresh.size > 0) this.items = new Map([...this.items, ...fresh]);
    } catch (error) { this.error = toAppError(error); }
  }

  async #load([from, to]: readonly [number, number], ids: readonly number[]): Promise<Map<number, DatasetItem>> {
    const pages: number[] = [];
    for (let p = Math.floor(Math.max(0, from - 1) / PAGE); p * PAGE <= to && p * PAGE < Math.max(1, ids.length); p += 1) if (!this.#pages.has(p)) pages.push(p);
    for (const p of pages) this.#pages.add(p);
    const answers = await Promise.all(pages.map((p) => call('datasets.items', { ...this.#what, offset: p * PAGE, limit: PAGE })));
    return new Map(answers.flatMap((a) => a.items.map((item) => [item.id, item] as const)));
  }
}
