/** The recorder: events by number, from anywhere, any number of times; the journal fills gaps; downsampling keeps peaks. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TrainerEvent, TrainerEventBody } from '../../main/contract/trainerEvent.ts';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';
import { openDatabase, type Db } from '../../main/db/open.ts';
import { createProjects } from '../../main/projects/store.ts';
import { createArtifacts } from '../../main/runs/artifacts.ts';
import { createMetrics } from '../../main/runs/metrics.ts';
import { createRecorder, type Recorder } from '../../main/runs/recorder.ts';
import { createRunStore, type RunStore } from '../../main/runs/store.ts';
import { remove, temporaryFolder } from '../api/helpers.ts';

let dir: string, db: Db, store: RunStore, recorder: Recorder, id: string, folder: string, said: string[];
beforeEach(() => {
  dir = temporaryFolder();
  db = openDatabase(join(dir, 'studio.sqlite'));
  createProjects(db, () => undefined);
  store = createRunStore(db, join(dir, 'runs'), () => undefined);
  said = [];
  recorder = createRecorder(db, store, () => undefined, { log: (line) => said.push(line) });
  const project = db.prepare('SELECT id FROM projects').pluck().get() as string;
  ({ id, folder } = store.create({ project_id: project, name: 'r', notes: '', config: defaultRunConfig(), compared_with: null }));
  mkdirSync(folder, { recursive: true });
});
afterEach(() => { recorder.close(); db.close(); remove(dir); });

const memory = { rss_mb: 1, peak_rss_mb: 1, tensors: 1 };
const step = (n: number, s: number, metrics: Record<string, number>): TrainerEvent => ({ n, at: n, type: 'step', step: s, metrics, seconds: 1, images_per_s: 1, eta_s: null, memory });
const event = (n: number, body: TrainerEventBody): TrainerEvent => ({ n, at: n, ...body }) as TrainerEvent;
const journal = (events: TrainerEvent[]): void => appendFileSync(join(folder, 'events.jsonl'), events.map((e) => `${JSON.stringify(e)}\n`).join(''));
const losses = (): [number, number][] => db.prepare("SELECT step, value FROM metrics JOIN metric_names ON id = metric WHERE name = 'loss' ORDER BY step").raw().all() as [number, number][];

test('replayed, doubled and overlapping events are taken once', () => {
  const all = Array.from({ length: 50 }, (_, i) => step(i + 1, i + 1, { loss: i }));
  journal(all);
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(49), fc.nat(20)), { maxLength: 10 }), (slices) => {
    for (const [from, length] of slices) recorder.ingest(id, all.slice(from, from + length));
    recorder.flush();
    const got = losses();
    expect(got).toEqual(Array.from({ length: got.length }, (_, i) => [i + 1, i]));
    expect(store.row(id).last_event).toBe(got.length);
  }), { numRuns: 50 });
  recorder.catchUp(id);
  recorder.flush();
  expect(losses().length).toBe(50);
});

test('a file that was exported again is one export, as it is now, whatever is replayed', () => {
  const exported = (n: number, file: string, sha256: string): TrainerEvent => event(n, { type: 'export', step: n, file, format: 'lora-kohya', bytes: n, sha256 });
  const all = [exported(1, 'exports/r.safetensors', 'a'), exported(2, 'exports/r-ema.safetensors', 'b'), exported(3, 'exports/r.safetensors', 'c')];
  journal(all);
  recorder.ingest(id, all);
  recorder.flush();
  const listed = (): string[] => createArtifacts(db, store).exports(id).map((e) => `${e.file} ${e.sha256}`);
  expect(listed()).toEqual(['exports/r.safetensors c', 'exports/r-ema.safetensors b']);
  db.prepare("INSERT INTO exports (id, run, step, file, format, bytes, sha256, created_at) VALUES ('exp_1', ?, 2, 'exports/r-ema.safetensors', 'lora-kohya', 9, 'd', 9)").run(store.row(id).key); // by a person, later
  store.update(id, { last_event: 0 });
  recorder.forget(id);
  recorder.catchUp(id);
  recorder.flush();
  expect(listed()).toEqual(['exports/r-ema.safetensors d', 'exports/r.safetensors c']);
});

test('a gap is filled from the journal', () => {
  const all = Array.from({ length: 10 }, (_, i) => step(i + 1, i + 1, { loss: i }));
  journal(all);
  recorder.ingest(id, [all[0]!, all[7]!]);
  recorder.flush();
  expect(losses().map(([s]) => s)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('a torn last line waits for its end; a line that is no event is reported and passed over', () => {
  writeFileSync(join(folder, 'events.jsonl'), `${JSON.stringify(step(1, 1, { loss: 1 }))}\n{"no":"event"}\n${JSON.stringify(step(2, 2, { loss: 2 }))}\n{"n":3,"at":3,"ty`);
  recorder.catchUp(id);
  recorder.flush();
  expect(losses()).toEqual([[1, 1], [2, 2]]);
  expect(said.some((l) => l.includes('not an event'))).toBe(true);
  const rest = JSON.stringify(step(3, 3, { loss: 3 }));
  writeFileSync(join(folder, 'events.jsonl'), `${JSON.stringify(step(1, 1, { loss: 1 }))}\n{"no":"event"}\n${JSON.stringify(step(2, 2, { loss: 2 }))}\n${rest}\n`);
  recorder.catchUp(id);
  recorder.flush();
  expect(losses().length).toBe(3);
});

test('samples, checkpoints and the end of a run are rows; a removed checkpoint is marked', () => {
  recorder.ingest(id, [
    event(1, { type: 'started', pid: 1, backend: 'b', version: 'v', device: 'd', precision: 'fp32', compiled: true, resumed_from: null, total_steps: 9, config_hash: 'h' }),
    event(2, { type: 'sample', step: 0, file: 'samples/a.png', prompt: 'p', negative_prompt: '', prompt_index: 0, seed: 1, ema: false, width: 8, height: 8, sha256: 'a' }),
    event(3, { type: 'checkpoint', step: 3, dir: 'checkpoints/step-3', bytes: 1, sha256: 'c', removed: [] }),
    event(4, { type: 'checkpoint', step: 6, dir: 'checkpoints/step-6', bytes: 1, sha256: 'd', removed: ['checkpoints/step-3'] }),
    event(5, { type: 'finished', reason: 'finished', step: 9, seconds: 3 }),
  ]);
  recorder.flush();
  expect(store.get(id)).toMatchObject({ state: 'finished', exit_reason: 'finished', step: 9, total_steps: 9, backend: 'b', last_event: 5 });
  expect(db.prepare('SELECT step, present FROM checkpoints ORDER BY step').raw().all()).toEqual([[3, 0], [6, 1]]);
  expect(db.prepare('SELECT id FROM samples').pluck().all()).toEqual([`${id}-2`]);
});

test('values that are not finite never reach the charts', () => {
  recorder.ingest(id, [step(1, 1, { loss: 1, bad: NaN, worse: Infinity })]);
  recorder.flush();
  expect(createMetrics(db).names(id).map((m) => m.name)).not.toContain('bad');
});

test.each([10_000, 30_000])('a thinned series of %d points keeps the first, the last and every extreme, in order', (n) => {
  const values = Array.from({ length: n }, (_, i) => Math.sin(i / 50));
  values[4321] = 99;
  values[8765] = -99;
  recorder.ingest(id, values.map((loss, i) => step(i + 1, i + 1, { loss })));
  recorder.flush();
  const [s] = createMetrics(db).series({ run_id: id, names: ['loss'], from: 0, to: null, max_points: 500 });
  expect(s!.total).toBe(n);
  expect(s!.steps.length).toBeLessThanOrEqual(500);
  expect(s!.steps[0]).toBe(1);
  expect(s!.steps.at(-1)).toBe(n);
  expect(Math.max(...s!.values)).toBe(99);
  expect(Math.min(...s!.values)).toBe(-99);
  expect(s!.steps).toEqual([...s!.steps].sort((a, b) => a - b));
  s!.steps.forEach((x, i) => expect(s!.values[i]).toBe(values[x - 1]));
  const [zoomed] = createMetrics(db).series({ run_id: id, names: ['loss'], from: 100, to: 200, max_points: 500 });
  expect(zoomed!.steps).toEqual(Array.from({ length: 101 }, (_, i) => i + 100));
});

test('while the database cannot be written events are kept, and taken in once it can', async () => {
  journal([step(1, 1, { loss: 1 })]);
  const real = db.transaction.bind(db);
  db.transaction = (() => () => { throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' }); }) as never;
  recorder.ingest(id, [step(1, 1, { loss: 1 })]);
  await new Promise((r) => setTimeout(r, 250));
  expect(said.some((l) => l.includes('disk is full'))).toBe(true);
  db.transaction = real as never;
  await expect.poll(losses, { message: 'tried again by itself, though nothing more comes', timeout: 5_000 }).toEqual([[1, 1]]);
  recorder.ingest(id, [step(2, 2, { loss: 2 })]);
  recorder.flush();
  expect(losses()).toEqual([[1, 1], [2, 2]]);
});

test('a run followed by its journal outlives a database that cannot be written for long: nothing throws, nothing is lost', () => {
  journal(Array.from({ length: 20_000 }, (_, i) => step(i + 1, i + 1, { loss: i })));
  const real = db.transaction.bind(db);
  db.transaction = (() => () => { throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' }); }) as never;
  for (let i = 0; i < 5; i++) expect(() => recorder.catchUp(id)).not.toThrow();
  expect(() => recorder.ingest(id, [step(20_001, 20_001, { loss: 0 })])).not.toThrow();
  expect(() => recorder.flush()).toThrow(/disk is full/);
  expect(store.row(id).last_event).toBe(0);
  db.transaction = real as never;
  journal([step(20_001, 20_001, { loss: 0 })]);
  recorder.flush();
  expect(store.row(id).last_event).toBe(20_001);
  expect(losses().length).toBe(20_001);
});
