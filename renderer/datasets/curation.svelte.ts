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
  /** what stands in the filter box */
  text = $state('');
  /** it has been typed and not been asked for yet */
  #due = $state(false);
  /** how many things are on their way that keys wait for */
  #busy = $state(0);
  #waiting: (() => void)[] = $state.raw([]);
  /** What the keys pressed so far lead to is not on the page yet. */
  readonly waits: boolean = $derived(this.#due || this.#busy > 0 || this.#waiting.length > 0);
  readonly focused: DatasetItem | null = $derived.by(() => (this.selection.focus === null ? null : this.pictures.items.get(this.selection.focus) ?? null));
  /** the job that reads this data set just now */
  readonly job = $derived.by(() => workspace.runningJobs.find((j) => j.id === this.dataset.value?.job_id) ?? null);
  #turn: Promise<unknown> = Promise.resolve();
  #ends: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #typing: ReturnType<typeof setTimeout> | undefined;

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
    clearTimeout(this.#typing);
    for (const end of [...this.#ends, () => this.dataset.end(), () => this.summary.end()]) end();
  }

  /** A filter as it is typed: asked for when the typing rests, or when a key needs its pictures. */
  type(text: string): void {
    clearTimeout(this.#typing);
    this.text = text;
    this.#due = true;
    this.#typing = setTimeout(() => void this.filter(text), 200);
  }

  /** Done when its pictures are there. It comes after the keys that wait for the filter before it. */
  async filter(query: string): Promise<void> {
    clearTimeout(this.#typing);
    this.#due = false;
    this.text = query;
    if (this.#waiting.length === 0) return this.#ask(query);
    return new Promise((done) => { this.#waiting = [...this.#waiting, () => void this.#ask(query).then(done)]; });
  }

  #ask(query: string): Promise<void> {
    return this.#hold(async () => {
      this.pictures.query = query;
      await this.pictures.refresh();
      this.selection = within(this.selection, this.pictures.ids);
      if (this.pictures.error) this.#forget();
    });
  }

  /** What was meant for pictures that did not come must not be done to those still shown; a filter typed since is asked for. */
  #forget(): void {
    this.#waiting = [];
    if (!this.#due && this.text !== this.pictures.query) void this.filter(this.text);
  }

  /** Does what a key asks of the list: at once, or when the filter typed before it is answered, in the order of the keys. */
  onList(what: () => void): void {
    if (this.#due) void this.filter(this.text);
    if (this.#busy === 0 && this.#waiting.length === 0) what(); else this.#waiting = [...this.#waiting, what];
  }

  async #hold(work: () => Promise<void>): Promise<void> {
    this.#busy += 1;
    try { await work(); } finally { this.#busy -= 1; }
    while (this.#busy === 0 && this.#waiting.length > 0) {
      this.#waiting[0]!();
      this.#waiting = this.#waiting.slice(1);
      await tick();
    }
  }

  /** To the caption of the focused picture. Letters pressed until its box is there were meant for it: they are no commands. */
  edit(): Promise<void> {
    return this.#hold(async () => {
      if (this.selection.focus !== null) await this.pictures.need(this.selection.focus);
      await tick();
      document.getElementById('caption-box')?.focus();
      if (document.activeElement?.id === 'caption-box') this.#waiting = [];
    });
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
    return ids.size > 1_000 && ids.size === this.pictures.ids.length ? { query: this.pictures.shown } : { ids: [...ids] };
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
    await this.#toggle((focused) => (focused?.excluded ? { kind: 'include' } : { kind: 'exclude', reason: 'excluded by hand' }));
  }
  async toggleTag(tag: string): Promise<void> {
    const has = (focused: DatasetItem | null): boolean => focused?.captions.some((c) => c.split(',').some((t) => t.trim().toLowerCase() === tag.toLowerCase())) ?? false;
    await this.#toggle((focused) => (has(focused) ? { kind: 'remove_tags', tags: [tag] } : { kind: 'add_tags', tags: [tag], at: 'end' }));
  }

  /** A change to the selected pictures that turns on how the focused one is after all changes before it; the page may not show that yet. */
  async #toggle(change: (focused: DatasetItem | null) => DatasetChange): Promise<void> {
    const { focus, ids } = this.selection, target = this.target();
    if (ids.size === 0) return;
    const result = await this.#inTurn(async () => {
      const focused = focus === null ? null : await act('datasets.item', { id: this.id, item_id: focus });
      return focus !== null && focused === null ? null : act('datasets.edit', { id: this.id, target, change: change(focused) });
    });
    if (result) await this.refresh();
  }
}
