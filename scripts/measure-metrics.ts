/**
 * Measures how fast metrics go into SQLite and come out again, through the recorder and the queries that the app uses.
 * `node scripts/node24.mjs scripts/measure-metrics.ts [rows]`; prints numbers, is never a test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRunConfig } from '../main/contract/runConfig.ts';
import type { TrainerEvent } from '../main/contract/trainerEvent.ts';
import { openDatabase } from '../main/db/open.ts';
import { createProjects } from '../main/projects/store.ts';
import { createMetrics } from '../main/runs/metrics.ts';
import { createRecorder } from '../main/runs/recorder.ts';
import { createRunStore } from '../main/runs/store.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
/** a step's row count: 47 metrics and the three that the recorder adds */
const PER_STEP = 50;
const dir = mkdtempSync(join(tmpdir(), 'lpl-measure-'));
const db = openDatabase(join(dir, 'studio.sqlite'));
try {
  createProjects(db, () => undefined);
  const store = createRunStore(db, join(dir, 'runs'), () => undefined);
  const recorder = createRecorder(db, store, () => undefined, { log: console.error });
  const project = db.prepare('SELECT id FROM projects').pluck().get() as string;
  const { id } = store.create({ project_id: project, name: 'measured', notes: '', config: defaultRunConfig(), compared_with: null });
  const step = (n: number): TrainerEvent => ({
    n, at: n, type: 'step', step: n, seconds: 0.1, images_per_s: 10, eta_s: null, memory: { rss_mb: 1, peak_rss_mb: 1, tensors: 1 },
    metrics: Object.fromEntries(Array.from({ length: PER_STEP - 3 }, (_, i) => [i === 0 ? 'loss' : `m${i}`, Math.sin(n * (i + 1))])),
  });
  let writing = 0;
  for (let n = 1; n <= rows / PER_STEP; n += 200) {
    const batch = Array.from({ length: 200 }, (_, i) => step(n + i));
    const start = performance.now();
    recorder.ingest(id, batch);
    recorder.flush();
    writing += performance.now() - start;
  }
  recorder.close();
  const written = db.prepare('SELECT count(*) FROM metrics').pluck().get() as number;
  console.log(`written: ${written} rows, ${Math.round(written / (writing / 1000))} rows/s`);
  const metrics = createMetrics(db);
  const timed = (what: string, work: () => unknown): void => { const start = performance.now(); work(); console.log(`${what}: ${(performance.now() - start).toFixed(1)} ms`); };
  timed('names of a run', () => metrics.names(id));
  timed('three whole series, 1,200 points each', () => metrics.series({ run_id: id, names: ['loss', 'm1', 'm2'], from: 0, to: null, max_points: 1_200 }));
  timed('the same, zoomed to a tenth', () => metrics.series({ run_id: id, names: ['loss', 'm1', 'm2'], from: rows / PER_STEP / 2, to: (rows / PER_STEP) * 0.6, max_points: 1_200 }));
  const insert = db.prepare("INSERT OR REPLACE INTO metrics (run, metric, step, value) VALUES (1, (SELECT id FROM metric_names WHERE name = 'loss'), ?, ?)");
  db.transaction(() => { for (let s = 1; s <= 1_000_000; s++) insert.run(s, Math.sin(s / 1e3)); })();
  timed('one series of a million points, 1,200 shown', () => metrics.series({ run_id: id, names: ['loss'], from: 0, to: null, max_points: 1_200 }));
} finally { db.close(); rmSync(dir, { recursive: true, force: true }); }
