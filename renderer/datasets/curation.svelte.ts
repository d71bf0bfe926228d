/** The state of the page of one data set: its pictures, the selection, and every change going through undo. */
import { tick } from 'svelte';
import type { DatasetChange, DatasetItem, Target } from '../../main/contract/datasets.ts';
import { client } from '../api/api.ts';
import { Resource } from '../api/resource.svelte.ts';
import { act } from '../app/act.ts';
import { workspace } from '../app/workspace.svelte.ts';
import { Pictures } from './pictures.svelte.ts';
import { moved, noSelection, select, within, type How, type Selection } from './selection.ts';

export class Curation {
  readonly id: string;
  readonly dataset;
  readonly summary;
  readonly pictures: Pictures;
  selection: Selection = $state.raw(noSelection);
  columns = $state(6);
  rowsInSight = $state(4);
  /** grows with every change, for parts that ask for more than the lists */
  version = $state(0);
  readonly focused: DatasetItem | null = $derived.by(() => (this.selection.focus === null ? null : this.pictures.items.get(this.selection.focus) ?? null));
  /** the job that reads this data set just now */
  readonly job = $derived.by(() => workspace.runningJobs.find((j) => j.id === this.dataset.value?.job_id) ?? null);
  #turn: Promise<unknown> = Promise.resolve();
  #ends: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string) {
    this.id = id;
    this.dataset = new Resource('datasets.get', () => ({ id }));
    this.summary = new Resource('datasets.summary', () => ({ id }));
    this.pictures = new Pictures(id);
    this.#ends.push(client.on('datasets.changed', (e) => { if (e.id === id || e.id === null) this.#soon(); }), client.onReset(() => this.#soon()));
    void this.refresh();
  }

  async refresh(): Promise<void> {
    await Promise.all([this.dataset.refresh(), this.summary.refresh(), this.pictures.refresh(this.selection.focus)]);
    this.selection = within(this.selection, this.pictures.ids);
    this.version += 1;
  }

  /** A burst of events, as an import makes them, is answered once. */
  #soon(): void {
    this.#timer ??= setTimeout(() => { this.#timer = undefined; void this.refresh(); }, 150);
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const end of [...this.#ends, () => this.dataset.end(), () => this.summary.end()]) end();
  }

  async filter(query: string): Promise<void> {
    this.pictures.query = query;
    await this.pictures.refresh();
    this.selection = within(this.selection, this.pictures.ids);
  }

  /** Selects one picture, taking a filter away that hides it. */
  async show(id: number): Promise<void> {
    if (!this.pictures.ids.includes(id)) await this.filter('');
    this.pick(id, 'only');
  }

  /** Chooses where metadata files have the captions, and reads them again. */
  async chooseColumn(column: string | null): Promise<void> {
    if (await act('datasets.settings', { id: this.id, changes: { caption_column: column } })) await act('datasets.rescan', { id: this.id });
  }

  /** To the picture before or after, keeping on with its caption when that is being edited: what is typed is taken first. */
  async step(key: 'ArrowLeft' | 'ArrowRight'): Promise<void> {
    const active = document.activeElement as HTMLElement | null;
    const editing = active?.closest('.caption-editor') !== null && active !== null;
    if (editing) active.blur();
    if (!this.move(key, false) || !editing) return;
    await tick();
    document.getElementById('caption-box')?.focus();
  }

  pick(id: number, how: How): void { this.selection = select(this.selection, id, how, this.pictures.ids); }
  pickAll(): void { this.selection = { ...this.selection, focus: this.selection.focus ?? this.pictures.ids[0] ?? null, ids: new Set(this.pictures.ids) }; }
  move(key: string, extend: boolean): boolean {
    const to = moved(this.selection, key, this.pictures.ids, this.columns, this.rowsInSight);
    if (to !== null) this.pick(to, extend ? 'range' : 'only');
    return to !== null;
  }

  /** The selected pictures; all that the filter finds, by filter, when every one is selected. */
  target(): Target {
    const { ids } = this.selection;
    return ids.size > 1_000 && ids.size === this.pictures.ids.length ? { query: this.pictures.query } : { ids: [...ids] };
  }

  /** One step of undo. True when it was done. */
  async change(change: DatasetChange, target: Target = this.target()): Promise<boolean> {
    const result = await this.#inTurn(() => act('datasets.edit', { id: this.id, target, change }));
    if (result) await this.refresh();
    return result !== null;
  }
  async undo(): Promise<void> { if (await this.#inTurn(() => act('datasets.undo', { id: this.id }))) await this.refresh(); }
  async redo(): Promise<void> { if (await this.#inTurn(() => act('datasets.redo', { id: this.id }))) await this.refresh(); }

  /** Changes reach the core in the order in which they were made, however fast. */
  #inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const answer = this.#turn.then(ask);
    this.#turn = answer.catch(() => undefined);
    return answer;
  }
  async toggleExcluded(): Promise<void> {
    const on = this.focused?.excluded === true;
    if (this.selection.ids.size > 0) await this.change(on ? { kind: 'include' } : { kind: 'exclude', reason: 'excluded by hand' });
  }
  async toggleTag(tag: string): Promise<void> {
    const has = this.focused?.captions.some((c) => c.split(',').some((t) => t.trim().toLowerCase() === tag.toLowerCase())) ?? false;
    if (this.selection.ids.size > 0) await this.change(has ? { kind: 'remove_tags', tags: [tag] } : { kind: 'add_tags', tags: [tag], at: 'end' });
  }
}
