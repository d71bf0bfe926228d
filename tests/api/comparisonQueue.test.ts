/** A comparison is one entry of the queue: told, moved, paused, stopped and taken up again as a whole, also over restarts and with arms added meanwhile. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Comparison } from '../../main/contract/compare.ts';
import { httpCore, remove, scripted, until, type TestCore } from './helpers.ts';

let core: TestCore;
beforeEach(async () => { core = await httpCore(); await core.call('queue.hold', { held: true }); });
afterEach(async () => { await core.close(); remove(core.dataDir); });

const config = (ms = 1, steps = 5) => scripted(core.dataDir, { steps, ms });
const single = async (name: string): Promise<string> => (await core.call('runs.create', { name, config: config(), start: true })).id;
const compared = (seeds: number, ms = 1, steps = 5): Promise<Comparison> => core.call('comparisons.create', { name: 'Three arms', config: config(ms, steps), arms: [{ kind: 'baseline' }, { kind: 'lpl' }], seeds, start: true });
const runsOf = (c: Comparison): string[] => c.arms.flatMap((a) => a.runs.map((r) => r.run_id));
const entries = async () => (await core.call('queue.list', {})).entries;
const waiting = async (): Promise<string[]> => (await core.call('queue.list', {})).waiting.map((r) => r.id);
const names = async (): Promise<string[]> => (await entries()).map((e) => e.name);
const state = async (id: string): Promise<string> => (await core.call('comparisons.get', { id })).state;
const held = (value: boolean): Promise<unknown> => core.call('queue.hold', { held: value });

test('it waits as one entry with its steps, moves as one, and comes back as one after a restart and without its database', async () => {
  await single('before');
  const c = await compared(2);
  const after = await single('after');
  const expected = { id: c.id, kind: 'comparison', name: 'Three arms', state: 'waiting', part: 'arm 1 of 3, seed 1 of 2', run_ids: runsOf(c), done_steps: 0, total_steps: 30, eta_s: null };
  expect(await names()).toEqual(['before', 'Three arms', 'after']);
  expect((await entries())[1]).toEqual(expected);
  await core.call('queue.reorder', { ids: [after, c.id] });
  expect(await names()).toEqual(['after', 'Three arms', 'before']);
  await core.call('queue.reorder', { ids: [runsOf(c)[3]!] });
  expect(await names()).toEqual(['Three arms', 'after', 'before']);
  expect((await waiting()).slice(0, 6)).toEqual(runsOf(c));
  const more = await core.call('comparisons.addArm', { id: c.id, arm: { kind: 'lpl', lpl: { lpl_weight: 3 } }, start: true });
  expect((await waiting()).slice(0, 8)).toEqual(runsOf(more));

  await core.kill();
  core = await httpCore(core.dataDir);
  expect(await names()).toEqual(['Three arms', 'after', 'before']);
  await core.close();
  for (const end of ['', '-wal', '-shm']) rmSync(join(core.dataDir, `studio.sqlite${end}`), { force: true });
  core = await httpCore(core.dataDir);
  const found = await until(async () => { const e = await entries(); return e.some((x) => x.kind === 'comparison') && e; }, 'the entry');
  expect(found.find((e) => e.kind === 'comparison')).toMatchObject({ id: c.id, total_steps: 40 });
}, 60_000);

test('once begun, nothing else starts before its last run, an arm added meanwhile included; one time left for all that remains', async () => {
  const c = await compared(1, 60);
  const other = await single('other');
  await held(false);
  const begun = await until(async () => (await entries()).find((e) => e.id === c.id && e.state === 'training'), 'the first arm');
  expect(begun).toMatchObject({ part: 'arm 1 of 3, seed 1 of 1', total_steps: 15 });
  await core.call('queue.reorder', { ids: [other] });
  expect((await waiting()).at(-1)).toBe(other);
  const part = (what: string) => until(async () => (await entries()).find((e) => e.id === c.id && e.part === what && e.state === 'training'), what);
  expect((await part('arm 2 of 3, seed 1 of 1')).eta_s).toBeGreaterThan(0.1); // two runs of five steps of 60 ms remain, start-up besides
  await part('arm 3 of 3, seed 1 of 1');
  await core.call('comparisons.addArm', { id: c.id, arm: { kind: 'lpl', lpl: { lpl_weight: 3 } }, start: true });
  expect((await entries()).map((e) => [e.name, e.run_ids.length, e.total_steps])).toEqual([['Three arms', 2, 20], ['other', 1, 5]]);
  expect((await waiting()).at(-1)).toBe(other);
  await until(async () => (await core.call('runs.get', { id: other })).state === 'finished', 'the other run', 60_000);
  const last = await core.call('comparisons.get', { id: c.id });
  expect(last.state).toBe('trained');
  const ends = await Promise.all(runsOf(last).map(async (id) => (await core.call('runs.get', { id })).ended_at!));
  expect((await core.call('runs.get', { id: other })).started_at!).toBeGreaterThan(Math.max(...ends));
  expect(await entries()).toEqual([]);
}, 90_000);

test('it pauses as a whole, lets the next entry go on, and takes up again as one entry where it stood', async () => {
  const c = await compared(1, 40, 40);
  const other = await single('other');
  await held(false);
  await until(async () => (await core.call('comparisons.get', { id: c.id })).done_steps > 2, 'some steps');
  await core.call('comparisons.pause', { id: c.id });
  await until(async () => (await core.call('runs.get', { id: other })).state === 'finished', 'the other run');
  const paused = await core.call('comparisons.get', { id: c.id });
  expect(paused).toMatchObject({ state: 'stopped', eta_s: null });
  expect(paused.arms.map((a) => a.runs[0]!.state)).toEqual(['paused', 'draft', 'draft']);
  expect(paused.done_steps).toBeGreaterThan(0);
  await held(true);
  await core.call('comparisons.start', { id: c.id });
  expect(await entries()).toMatchObject([{ id: c.id, run_ids: runsOf(c), done_steps: paused.done_steps, total_steps: 120 }]);
  expect((await entries())[0]!.eta_s).toBeGreaterThan(1); // what has been trained tells how long the rest takes
}, 60_000);

test('it stops as a whole; deleting it with its runs is refused while one trains, and then none is lost', async () => {
  const c = await compared(1, 40, 200);
  await held(false);
  await until(async () => (await core.call('comparisons.get', { id: c.id })).done_steps > 2, 'some steps');
  await expect(core.call('comparisons.delete', { id: c.id, runs: true })).rejects.toMatchObject({ code: 'run.live' });
  expect((await core.call('comparisons.get', { id: c.id })).arms.map((a) => a.runs.length)).toEqual([1, 1, 1]);
  await core.call('comparisons.stop', { id: c.id });
  const stopped = await until(async () => { const now = await core.call('comparisons.get', { id: c.id }); return now.state === 'stopped' && now; }, 'the stop');
  expect(stopped.arms.map((a) => a.runs[0]!.state)).toEqual(['stopped', 'draft', 'draft']);
  expect(await entries()).toEqual([]);
}, 60_000);

test('runs of a comparison that is forgotten wait on by themselves; a run started by itself is an entry of its own', async () => {
  const c = await compared(1);
  await core.call('comparisons.delete', { id: c.id });
  expect((await entries()).map((e) => [e.kind, e.run_ids])).toEqual(runsOf(c).map((id) => ['run', [id]]));
  const d = await core.call('comparisons.create', { name: 'Drafts', config: config(), arms: [{ kind: 'baseline' }, { kind: 'lpl' }], aa: false });
  await core.call('runs.start', { id: runsOf(d)[1]! });
  expect((await entries()).at(-1)).toMatchObject({ kind: 'run', id: runsOf(d)[1]! });
  expect(await state(d.id)).toBe('waiting');
}, 30_000);
