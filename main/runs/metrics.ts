/** Reading metrics: names, and series thinned out so that a million points draw like a thousand and keep their peaks. */
import { AppError } from '../contract/errors.ts';
import type { Series } from '../contract/runData.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';

export interface SeriesQuery { run_id: string; names: string[]; from: number; to: number | null; max_points: number }
type Point = { step: number; value: number };

export function createMetrics(db: Db) {
  const sql = statements(db);
  const keyOf = (runId: string): number => {
    const row = sql('SELECT key FROM runs WHERE id = ?').get(runId) as { key: number } | undefined;
    if (!row) throw new AppError('run.not_found', `There is no run ${runId}.`, 'It may have been deleted. Reload the page.', { id: runId });
    return row.key;
  };
  const metricId = (name: string): number | undefined => (sql('SELECT id FROM metric_names WHERE name = ?').get(name) as { id: number } | undefined)?.id;

  /** Names with at least one point: one index probe per name, never a scan of the run's rows except for the count. */
  const names = (runId: string): { name: string; points: number; last_step: number; last: number }[] => {
    const key = keyOf(runId);
    return (sql('SELECT id, name FROM metric_names ORDER BY name').all() as { id: number; name: string }[]).flatMap(({ id, name }) => {
      const last = sql('SELECT step, value FROM metrics WHERE run = ? AND metric = ? ORDER BY step DESC LIMIT 1').get(key, id) as Point | undefined;
      if (!last) return [];
      const { n } = sql('SELECT count(*) AS n FROM metrics WHERE run = ? AND metric = ?').get(key, id) as { n: number };
      return [{ name, points: n, last_step: last.step, last: last.value }];
    });
  };

  /** Smallest and largest value of each of max_points/2 buckets of equal width, in step order, and the very first and last point. */
  const thinned = (where: string, args: number[], first: number, last: number, maxPoints: number): Point[] => {
    const buckets = Math.max(1, Math.floor((maxPoints - 2) / 2));
    const width = (last - first + 1) / buckets;
    // SQLite gives the other columns of the row that min() or max() picked
    const extremes = (f: 'min' | 'max'): (Point & { bucket: number })[] =>
      sql(`SELECT CAST((step - ?) / ? AS INTEGER) AS bucket, step, ${f}(value) AS value FROM metrics WHERE ${where} GROUP BY bucket`).all(first, width, ...args) as (Point & { bucket: number })[];
    const ends = [first, last].map((step) => sql('SELECT step, value FROM metrics WHERE run = ? AND metric = ? AND step = ?').get(args[0]!, args[1]!, step) as Point);
    const points = new Map<number, Point>();
    for (const p of [...extremes('min'), ...extremes('max'), ...ends]) points.set(p.step, p);
    return [...points.values()].sort((a, b) => a.step - b.step);
  };

  const series = ({ run_id, names: wanted, from, to, max_points }: SeriesQuery): Series[] => {
    const run = keyOf(run_id);
    const where = 'run = ? AND metric = ? AND step >= ? AND step <= ?';
    return wanted.map((name) => {
      const metric = metricId(name);
      if (metric === undefined) return { name, total: 0, steps: [], values: [] };
      const args = [run, metric, Math.ceil(from), to === null ? Number.MAX_SAFE_INTEGER : Math.floor(to)];
      const range = sql(`SELECT count(*) AS n, min(step) AS first, max(step) AS last FROM metrics WHERE ${where}`).get(...args) as { n: number; first: number; last: number };
      const points = range.n <= max_points
        ? sql(`SELECT step, value FROM metrics WHERE ${where} ORDER BY step`).all(...args) as Point[]
        : thinned(where, args, range.first, range.last, max_points);
      return { name, total: range.n, steps: points.map((p) => p.step), values: points.map((p) => p.value) };
    });
  };
  return { names, series };
}
