/** Curves of a comparison from the database: training time, bands over seeds, and a million points thinned without losing a spike, exact when zoomed into. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCurveData, type CurveData } from '../../main/compare/service/curveData.ts';
import { seedBand, thinBand } from '../../main/compare/curves.ts';
import { openDatabase, type Db } from '../../main/db/open.ts';
import { createMetrics } from '../../main/runs/metrics.ts';
import { remove, temporaryFolder } from '../api/helpers.ts';

const dir = temporaryFolder(), all = { from: 0, to: null, max_points: 1000 };
const MANY = 1_000_000, spike = { step: 777_777, value: 50 };
let db: Db, data: CurveData;

beforeAll(() => {
  db = openDatabase(join(dir, 'db.sqlite'));
  db.prepare("INSERT INTO projects (id, name, created_at) VALUES ('p', 'p', 0)").run();
  for (const [key, id] of ['short', 'again', 'long', 'long2'].entries()) db.prepare("INSERT INTO runs (key, id, project_id, name, state, config, folder, total_steps, created_at) VALUES (?, ?, 'p', 'r', 'finished', '{}', '', 4, 0)").run(key + 1, id);
  db.prepare("INSERT INTO metric_names (id, name) VALUES (1, 'seconds'), (2, 'val/loss'), (3, 'loss')").run();
  const put = db.prepare('INSERT INTO metrics (run, metric, step, value) VALUES (?, ?, ?, ?)');
  for (const run of [1, 2]) {
    for (const step of [1, 2, 3, 4]) { put.run(run, 1, step, run / 2); put.run(run, 3, step, 9); }
    for (const step of [0, 2, 4]) put.run(run, 2, step, step * run);
  }
  put.run(1, 2, 6, 1); // only one of the two has come so far
  const count = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';
  for (const run of [3, 4]) {
    db.prepare(`${count} INSERT INTO metrics (run, metric, step, value) SELECT ${run}, 1, i, 0.25 FROM n`).run(MANY);
    db.prepare(`${count} INSERT INTO metrics (run, metric, step, value) SELECT ${run}, 2, i, ${run} + (i % 100) / 1000.0 FROM n`).run(MANY);
  }
  put.run(3, 2, MANY + 1, 3);
  db.prepare('UPDATE metrics SET value = ? WHERE run = 3 AND metric = 2 AND step = ?').run(spike.value, spike.step);
  data = createCurveData(db, createMetrics(db).series);
}, 120_000);
afterAll(() => { db.close(); remove(dir); });

describe('curves', () => {
  it('carry the seconds spent training up to each validation; the training loss is none of them', () => {
    expect(data.names(['short', 'long'])).toEqual(['val/loss']);
    expect(data.curves(['short'], all)).toEqual([{ metric: 'val/loss', repetitions: 1, total: 4, points: [[0, 0], [2, 1], [4, 2], [6, 2]].map(([step, seconds], i) => ({ step, seconds, mean: [0, 2, 4, 1][i], low: [0, 2, 4, 1][i], high: [0, 2, 4, 1][i] })) }]);
  });
  it('of several seeds are mean and extremes at the steps that all have', () => {
    expect(data.curves(['short', 'again'], all)[0]!.points).toEqual([{ step: 0, seconds: 0, mean: 0, low: 0, high: 0 }, { step: 2, seconds: 1.5, mean: 3, low: 2, high: 4 }, { step: 4, seconds: 3, mean: 6, low: 4, high: 8 }]);
  });
  it('count a run that went on from a checkpoint by its new steps', () => {
    const before = data.curves(['short'], all)[0]!.points.at(-1)!.seconds;
    db.prepare("INSERT INTO events (run, n, at, type, data) VALUES (1, 1, 0, 'started', '{}')").run();
    db.prepare('UPDATE metrics SET value = 5 WHERE run = 1 AND metric = 1 AND step = 4').run();
    expect([before, data.curves(['short'], all)[0]!.points.at(-1)!.seconds]).toEqual([2, 6.5]);
  });
});

describe('a million points of two seeds', () => {
  it('come thinned, soon, with every point exact and no spike lost', () => {
    const began = performance.now(), [curve] = data.curves(['long', 'long2'], all), took = performance.now() - began;
    console.log(`2 × 1,000,000 points thinned to ${curve!.points.length} in ${Math.round(took)} ms`);
    expect(curve).toMatchObject({ repetitions: 2, total: MANY });
    expect(curve!.points.length).toBeLessThan(4_000);
    expect(curve!.points.find((p) => p.step === spike.step)).toEqual({ step: spike.step, seconds: spike.step / 4, mean: (spike.value + 4.077) / 2, low: 4.077, high: spike.value });
    for (const p of curve!.points.filter((q) => q.step !== spike.step)) expect(p).toMatchObject({ low: 3 + (p.step % 100) / 1000, high: 4 + (p.step % 100) / 1000, seconds: p.step / 4 });
    expect([curve!.points[0]!.step, curve!.points.at(-1)!.step]).toEqual([1, MANY]);
    expect(took).toBeLessThan(10_000); // a second on a quiet machine
  });
  it('come whole, and at once, where one looks closely', () => {
    const began = performance.now(), [curve] = data.curves(['long', 'long2'], { from: 777_700, to: 777_899, max_points: 1000 }), took = performance.now() - began;
    console.log(`200 of them in ${took.toFixed(1)} ms`);
    expect(curve!.points.map((p) => p.step)).toEqual(Array.from({ length: 200 }, (_, i) => 777_700 + i));
    expect(curve!.points[100]).toEqual({ step: 777_800, seconds: 194_450, mean: 3.5, low: 3, high: 4 });
    expect(took).toBeLessThan(1_000);
  });
  it('stay drawable in a report', () => {
    const run = Array.from({ length: 100_000 }, (_, i) => ({ step: i, seconds: i, value: i === 31_415 ? 9 : i === 27_182 ? -9 : 0 })), thin = thinBand(seedBand([run]));
    expect(thin.length).toBeLessThanOrEqual(2_000);
    expect([Math.min(...thin.map((p) => p.mean)), Math.max(...thin.map((p) => p.mean)), thin[0]!.step, thin.at(-1)!.step]).toEqual([-9, 9, 0, 99_999]);
    expect(thinBand(seedBand([run.slice(0, 2_000)]))).toHaveLength(2_000);
  });
});
