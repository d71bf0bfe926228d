/** The curves that one looks at: thinned out while all of a long training is seen, every point where one looks closely. */
import type { ArmCurve } from '../../main/contract/compare.ts';
import { attempt } from '../api/api.ts';
import { useResource } from '../api/resource.svelte.ts';
import type { Range } from '../charts/line.ts';
import { stepsBetween, type Axis } from './stepsBetween.ts';

const WAIT_MS = 150;
const CLOSE_POINTS = 4_000;
export interface Looking { id: string; metric: string; range: Range | null; axis: Axis; /** grows when something may be new */ version: number }

export class ShownCurves {
  readonly #looking: Looking;
  readonly all;
  /** the part that was asked for closely, and for what */
  #close: { of: string; curves: ArmCurve[] } | null = $state.raw(null);

  /** `looking`: with getters, so that each thing is asked for when what it depends on has changed */
  constructor(looking: Looking) {
    this.#looking = looking;
    this.all = useResource('comparisons.curves', () => { void looking.version; return { id: looking.id, metrics: [looking.metric] }; });
    $effect(() => {
      const part = this.#part;
      if (!part) return;
      const timer = setTimeout(() => { void attempt('comparisons.curves', { id: part.id, metrics: [part.metric], from: part.from, to: part.to, max_points: CLOSE_POINTS }).then(({ result }) => { if (result) this.#close = { of: part.key, curves: result.curves }; }); }, WAIT_MS);
      return () => clearTimeout(timer);
    });
  }
  readonly metrics: readonly string[] = $derived.by(() => this.all.value?.metrics ?? []);
  readonly #base: readonly ArmCurve[] = $derived.by(() => (this.all.value?.curves ?? []).filter((c) => c.metric === this.#looking.metric));
  /** more points than are there, and only a part of them is looked at */
  readonly #part = $derived.by(() => {
    const { id, metric, range, axis } = this.#looking;
    if (!range || this.#base.every((c) => c.points.length >= c.total)) return null;
    const [from, to] = stepsBetween(this.#base, range, axis);
    return { id, metric, from, to, key: `${metric} ${from} ${to}` };
  });
  readonly curves: readonly ArmCurve[] = $derived.by(() => (this.#part && this.#close?.of === this.#part.key ? this.#close.curves : this.#base));
  /** how many points of each repetition there are, and whether some are left out of the drawing now */
  readonly thinned = $derived.by(() => this.curves.some((c) => c.points.length < c.total));
  readonly total = $derived.by(() => Math.max(0, ...this.#base.map((c) => c.total)));
}
