/**
 * Curves on held-out pictures from the database, thinned out there: of each run the smallest and largest value of every part of the range,
 * so no spike is lost; each point that is told is exact in every repetition. A narrow range comes whole.
 */
import type { ArmCurve } from '../../contract/compare.ts';
import type { Series } from '../../contract/runData.ts';
import type { Db } from '../../db/open.ts';
import { statements } from '../../db/statements.ts';
import { seedBand } from '../curves.ts';

export interface CurveQuery { metrics?: string[] | undefined; /** steps, inclusive */ from: number; to: number | null; /** of each repetition */ max_points: number }
/** `metrics.series`: at most max_points points of each name, with how many there are. */
export type SeriesOf = (query: { run_id: string; names: string[]; from: number; to: number | null; max_points: number }) => Series[];
export type CurveData = ReturnType<typeof createCurveData>;

/** Steps between two sums that are kept of a run's training time. */
const BLOCK = 8192;

export function createCurveData(db: Db, series: SeriesOf) {
  const sql = statements(db);
  const of = 'run = (SELECT key FROM runs WHERE id = @run) AND metric = (SELECT id FROM metric_names WHERE name = @name)';
  const has = sql(`SELECT 1 FROM metrics WHERE ${of} LIMIT 1`);
  const valueAt = sql(`SELECT value FROM metrics WHERE ${of} AND step = @step`).pluck();
  const spent = sql(`SELECT coalesce(sum(value), 0) FROM metrics WHERE ${of} AND step > @after AND step <= @upTo`).pluck();
  const starts = sql("SELECT count(*) FROM events WHERE run = (SELECT key FROM runs WHERE id = ?) AND type = 'started'").pluck();
  const lastStep = sql(`SELECT max(step) FROM metrics WHERE ${of}`).pluck();
  const secondsBetween = (run: string, after: number, upTo: number): number => spent.get({ run, name: 'seconds', after, upTo }) as number;

  /** Seconds up to each whole block, by run; a run that went on from a checkpoint has other steps than before. */
  const kept = new Map<string, { starts: number; sums: number[] }>();
  function blocks(run: string): number[] {
    const now = starts.get(run) as number, known = kept.get(run), own = known?.starts === now ? known : { starts: now, sums: [0] };
    const whole = Math.floor(((lastStep.get({ run, name: 'seconds' }) as number | null) ?? 0) / BLOCK);
    for (let b = own.sums.length; b <= whole; b++) own.sums.push(own.sums[b - 1]! + secondsBetween(run, (b - 1) * BLOCK, b * BLOCK));
    kept.set(run, own);
    return own.sums;
  }
  /** Seconds spent training up to each of these steps, ascending. */
  function secondsAt(run: string, steps: readonly number[]): number[] {
    const sums = blocks(run);
    let at = 0, seconds = 0;
    return steps.map((step) => {
      const block = Math.min(Math.floor(step / BLOCK), sums.length - 1);
      if (block * BLOCK > at) { at = block * BLOCK; seconds = sums[block]!; }
      seconds += secondsBetween(run, at, step);
      at = step;
      return seconds;
    });
  }
  const names = (runs: readonly string[]): string[] =>
    (sql("SELECT name FROM metric_names WHERE name LIKE 'val/%' ORDER BY id").pluck().all() as string[]).filter((name) => runs.some((run) => has.get({ run, name })));
  const started = (run: string): boolean => names([run]).length > 0;

  function curve(runs: readonly string[], metric: string, { from, to, max_points }: CurveQuery): Omit<ArmCurve, 'arm_id'> {
    const drawn = runs.map((run_id) => series({ run_id, names: [metric], from, to, max_points })[0]!);
    const steps = [...new Set(drawn.flatMap((d) => d.steps))].sort((a, b) => a - b);
    const points = runs.map((run, i) => {
      const known = new Map(drawn[i]!.steps.map((s, k) => [s, drawn[i]!.values[k]!])), whole = drawn[i]!.total === known.size;
      const value = (step: number): number | undefined => known.get(step) ?? (whole ? undefined : valueAt.get({ run, name: metric, step }) as number | undefined);
      const own = steps.flatMap((step) => { const v = value(step); return v === undefined ? [] : [{ step, value: v }]; }), seconds = secondsAt(run, own.map((p) => p.step));
      return own.map((p, k) => ({ ...p, seconds: seconds[k]! }));
    });
    return { metric, repetitions: runs.length, total: Math.min(...drawn.map((d) => d.total)), points: seedBand(points) };
  }
  return {
    names,
    /** Of one arm's runs, those left out that have not been measured yet. */
    curves(runIds: readonly string[], query: CurveQuery): Omit<ArmCurve, 'arm_id'>[] {
      const runs = runIds.filter(started), all = names(runs);
      return (query.metrics?.filter((m) => all.includes(m)) ?? all).map((metric) => curve(runs, metric, query));
    },
  };
}
