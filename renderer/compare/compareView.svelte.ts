/** What the page of one comparison follows: arms and progress, differences, pictures, numbers. */
import type { Comparison } from '../../main/contract/compare.ts';
import { client } from '../api/api.ts';
import { Resource } from '../api/resource.svelte.ts';
import { workspace } from '../app/workspace.svelte.ts';
import { armMarks } from '../ui/arms.ts';

export class CompareView {
  readonly comparison;
  readonly differences;
  readonly pictures;
  /** grows whenever something may be new: what single views show by themselves is asked for again */
  version = $state(0);
  readonly numbers;
  readonly arms: Comparison['arms'] = $derived.by(() => this.comparison.value?.arms ?? []);
  readonly marks = $derived.by(() => armMarks(this.arms.map((a) => a.kind)));
  /** of the settings, and what the evaluation found to differ besides: steps trained, files, versions, machines */
  readonly differing = $derived.by(() => {
    const settings = this.differences.value ?? [];
    return [...settings, ...(this.numbers.value?.differences ?? []).filter((d) => !settings.some((s) => s.path === d.path))];
  });
  readonly stray = $derived.by(() => this.differing.filter((d) => !d.intended));
  readonly job = $derived.by(() => workspace.jobs.value?.find((j) => j.id === this.comparison.value?.job_id) ?? null);
  readonly #ends: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string) {
    const one = (): { id: string } => ({ id });
    this.comparison = new Resource('comparisons.get', one);
    this.differences = new Resource('comparisons.differences', one);
    this.pictures = new Resource('comparisons.pictures', one);
    this.numbers = new Resource('comparisons.numbers', one);
    const mine = (run: { id: string }): boolean => this.arms.some((a) => a.runs.some((r) => r.run_id === run.id));
    this.#ends.push(client.on('comparisons.changed', (e) => { if (e.id === null || e.id === id) this.#soon(0); }), client.on('runs.changed', ({ run }) => { if (mine(run)) this.#soon(2_000); }));
    void this.refresh();
  }

  async refresh(): Promise<void> {
    this.version += 1;
    await Promise.all([this.comparison, this.differences, this.pictures, this.numbers].map((r) => r.refresh()));
  }

  /** While runs train their rows change ten times a second; the page asks again every other second. */
  #soon(ms: number): void { this.#timer ??= setTimeout(() => { this.#timer = undefined; void this.refresh(); }, ms); }

  end(): void {
    clearTimeout(this.#timer);
    for (const end of this.#ends) end();
    for (const r of [this.comparison, this.differences, this.pictures, this.numbers]) r.end();
  }
}
