/**
 * The metrics that a page shows of one run. Long series come thinned out by the core for the visible range; while the
 * run goes on only new steps are asked for and appended, until the series has grown so long that asking again is cheaper.
 */
import { toAppError, type AppErrorData } from '../../main/contract/errors.ts';
import type { Series } from '../../main/contract/runData.ts';
import { call } from '../api/api.ts';
import type { Range } from '../charts/line.ts';

export interface Points { x: number[]; y: number[]; total: number }
/** about as many as a chart is wide, px */
const MAX_POINTS = 800;
/** a series that has grown beyond this is asked for anew: drawing costs by the point, and twice a second */
const GROWN = 1.5 * MAX_POINTS;
const none: Points = { x: [], y: [], total: 0 };

export class Metrics {
  readonly runId: string;
  names: string[] = $state.raw([]);
  series: Record<string, Points> = $state.raw({});
  error: AppErrorData | null = $state.raw(null);
  loaded = $state(false);
  range: Range | null = $state.raw(null);
  #patterns: readonly string[] = [];
  #wanted: string[] = [];
  #appended = 0;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  #again = false;

  constructor(runId: string) { this.runId = runId; }

  of(name: string): Points { return this.series[name] ?? none; }

  /** Asks for the metrics that a view shows, in the visible range. */
  async show(wanted: readonly string[], range: Range | null): Promise<void> {
    const asked = ++this.#asked;
    this.range = range;
    if (wanted.join() !== this.#patterns.join()) this.loaded = false; // "nothing recorded" is only said when it is known
    this.#patterns = wanted;
    this.#appended = 0;
    try {
      this.names = (await call('metrics.names', { run_id: this.runId })).map((m) => m.name);
      this.#wanted = this.names.filter((n) => wanted.some((w) => (w.endsWith('*') ? n.startsWith(w.slice(0, -1)) : n === w)));
      const got = await this.#ask(range ? range[0] : 0, range ? range[1] : null);
      if (asked !== this.#asked) return;
      this.series = { ...this.series, ...Object.fromEntries(got.map((s) => [s.name, { x: s.steps, y: s.values, total: s.total }])) };
      this.error = null;
    } catch (error) {
      if (asked === this.#asked) this.error = toAppError(error);
    } finally {
      if (asked === this.#asked) this.loaded = true;
    }
  }

  /** New steps were recorded: takes them in, at most twice a second. */
  extend(): void {
    if (this.#busy) { this.#again = true; return; }
    this.#timer ??= setTimeout(() => { this.#timer = undefined; void this.#append(); }, 500);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asked += 1;
  }

  async #append(): Promise<void> {
    if (this.range) return;
    const longest = Math.max(0, ...this.#wanted.map((n) => this.of(n).x.length));
    const last = Math.min(...this.#wanted.map((n) => this.of(n).x.at(-1) ?? -1));
    this.#busy = true;
    const asked = this.#asked;
    try {
      // now and then everything anew: metrics may have begun since (LPL that starts at a step), and thinned series stay short
      if (this.#wanted.length === 0 || longest > GROWN || ++this.#appended >= 20) await this.show(this.#patterns, null);
      else this.#join(await this.#ask(last + 1, null), asked);
    } catch (error) {
      this.error = toAppError(error);
    } finally {
      this.#busy = false;
      if (this.#again) { this.#again = false; this.extend(); }
    }
  }

  #join(got: readonly Series[], asked: number): void {
    if (asked !== this.#asked) return;
    const next = { ...this.series };
    for (const s of got) {
      const old = this.of(s.name);
      const from = old.x.at(-1) ?? -1;
      const start = s.steps.findIndex((step) => step > from);
      if (start >= 0) next[s.name] = { x: [...old.x, ...s.steps.slice(start)], y: [...old.y, ...s.values.slice(start)], total: old.total + s.total - start };
    }
    this.series = next;
  }

  #ask(from: number, to: number | null): Promise<Series[]> {
    if (this.#wanted.length === 0) return Promise.resolve([]);
    return call('metrics.series', { run_id: this.runId, names: this.#wanted.slice(0, 64), from, to, max_points: MAX_POINTS });
  }
}
