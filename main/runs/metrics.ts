/** Reading metrics: names, and series thinned out so that a million points draw like a thousand and keep their peaks. */
import { AppError } from '../contract/errors.ts';
import type { Series } from '../contract/runData.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';

export interface SeriesQuery { run_id: string; names: string[]; from: number; to: number | null; max_points: number }
type Point = { step: number; value: number };
/** of a metric's rows: run, metric, first and last step */
type Range = [run: number, metric: number, from: number, to: number];
const where = 'run = ? AND metric = ? AND step >= ? AND step <= ?';

/** Rows that are fetched and thinned out here; more are left to SQLite. */
const MAX_ROWS = 25_000;

/** Rows in step order: the first, the last, and the smallest and largest value of each of maxPoints/2 buckets of equal width. */
function thinRows(rows: readonly [step: number, value: number][], maxPoints: number): [number, number][] {
  const first = rows[0]!, last = rows.at(-1)!, buckets = Math.max(1, Math.floor((maxPoints - 2) / 2)), width = (last[0] - first[0] + 1) / buckets;
  const kept = new Set([first]);
  let bucket = 0, low = first, high = first;
  const keep = (): void => { for (const row of low[0] < high[0] ? [low, high] : [high, low]) kept.add(row); };
  for (const row of rows) {
    const b = Math.floor((row[0] - first[0]) / width);
    if (b !== bucket) { keep(); [bucket, low, high] = [b, row, row]; continue; }
    if (row[1] < low[1]) low = row;
    if (row[1] > high[1]) high = row;
  }
  keep();
  return [...kept.add(last)];
}

export function createMetrics(db: Db) {
  const sql = statements(db);
  const keyOf = (runId: string): number => {
    const row = sql('SELECT key FROM runs WHERE id = ?').get(runId) as { key: number } | undefined;
    if (!row) throw new AppError('run.not_found', `There is no run ${runId}.`, 'It may have been deleted. Reload the page.', { id: runId });
    return row.key;
  };
  const metricId = (name: string): number | undefined => (sql('SELECT id FROM metric_names WHERE name = ?').get(name) as { id: number } | undefined)?.id;

  /** Points counted so far, by run and metric: only later steps are counted again. */
  const counted = new Map<string, { to: number; n: number }>();
  const countPoints = (runId: string, key: number, metric: number, last: number): number => {
    const known = counted.get(`${runId} ${metric}`) ?? { to: -1, n: 0 };
    const { n } = sql('SELECT count(*) AS n FROM metrics WHERE run = ? AND metric = ? AND step > ? AND step <= ?').get(key, metric, known.to, last) as { n: number };
    counted.set(`${runId} ${metric}`, { to: last, n: known.n + n });
    return known.n + n;
  };
  /** Names with at least one point: an index probe per name, and a count of what is new. */
  const names = (runId: string): { name: string; points: number; last_step: number; last: number }[] => {
    const key = keyOf(runId);
    return (sql('SELECT id, name FROM metric_names ORDER BY name').all() as { id: number; name: string }[]).flatMap(({ id, name }) => {
      const last = sql('SELECT step, value FROM metrics WHERE run = ? AND metric = ? ORDER BY step DESC LIMIT 1').get(key, id) as Point | undefined;
      return last ? [{ name, points: countPoints(runId, key, id, last.step), last_step: last.step, last: last.value }] : [];
    });
  };

  /**
   * Smallest and largest value of each of max_points/2 buckets of equal width, in step order, and the very first and last point. A range
   * of the index for each bucket: grouping them in one query would sort every row.
   */
  const thinned = ([run, metric, from, to]: Range, maxPoints: number): { points: Point[]; total: number } => {
    const end = (order: 'ASC' | 'DESC'): Point => sql(`SELECT step, value FROM metrics WHERE ${where} ORDER BY step ${order} LIMIT 1`).get(run, metric, from, to) as Point;
    const [first, last] = [end('ASC'), end('DESC')];
    const buckets = Math.max(1, Math.floor((maxPoints - 2) / 2)), width = (last.step - first.step + 1) / buckets;
    const points = new Map<number, Point>([[first.step, first], [last.step, last]]);
    let total = 0;
    for (let b = 0; b < buckets; b++) {
      const bounds = [Math.ceil(first.step + b * width), Math.ceil(first.step + (b + 1) * width) - 1];
      // SQLite gives the other columns of the row that min() or max() picked
      const low = sql(`SELECT step, min(value) AS value, count(*) AS n FROM metrics WHERE ${where}`).get(run, metric, ...bounds) as Point & { n: number };
      if (low.n === 0) continue;
      total += low.n;
      points.set(low.step, { step: low.step, value: low.value });
      if (low.n === 1) continue;
      const high = sql(`SELECT step, max(value) AS value FROM metrics WHERE ${where}`).get(run, metric, ...bounds) as Point;
      points.set(high.step, high);
    }
    return { points: [...points.values()].sort((a, b) => a.step - b.step), total };
  };
  const pointsOf = (range: Range, maxPoints: number): { points: Point[]; total: number } => {
    const rows = sql(`SELECT step, value FROM metrics WHERE ${where} ORDER BY step LIMIT ?`).raw().all(...range, MAX_ROWS + 1) as [number, number][];
    if (rows.length > MAX_ROWS) return thinned(range, maxPoints);
    const shown = rows.length <= maxPoints ? rows : thinRows(rows, maxPoints);
    return { points: shown.map(([step, value]) => ({ step, value })), total: rows.length };
  };

  const series = ({ run_id, names: wanted, from, to, max_points }: SeriesQuery): Series[] => {
    const run = keyOf(run_id);
    return wanted.map((name) => {
      const metric = metricId(name);
      if (metric === undefined) return { name, total: 0, steps: [], values: [] };
      const { points, total } = pointsOf([run, metric, Math.ceil(from), to === null ? Number.MAX_SAFE_INTEGER : Math.floor(to)], max_points);
      return { name, total, steps: points.map((p) => p.step), values: points.map((p) => p.value) };
    });
  };
  return { names, series };
}
