/** The life of a run over both transports: the same tests, the same core, a scripted training process. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CoreEvent } from '../../main/contract/events.ts';
import { httpCore, ipcCore, remove, scripted, until, type TestCore } from './helpers.ts';

describe.each([['loopback HTTP', httpCore], ['IPC', ipcCore]] as const)('over %s', (_, open) => {
  let core: TestCore;
  beforeAll(async () => { core = await open(); });
  afterAll(async () => { await core.close(); remove(core.dataDir); });
  const state = (id: string, wanted: string) => until(async () => { const r = await core.call('runs.get', { id }); return r.state === wanted && r; }, `run to be ${wanted}`);
  const create = (script: Record<string, unknown> = {}, start = true) => core.call('runs.create', { config: scripted(core.dataDir, script), start });

  test('a run trains to its end; metrics, events and checkpoints are there', async () => {
    const heard: CoreEvent[] = [];
    const end = core.subscribe(['runs', 'notice'], (m) => { if ('event' in m) heard.push(m.event); });
    const { id } = await create({ steps: 20, ms: 2 });
    const run = await state(id, 'finished');
    expect(run).toMatchObject({ step: 20, exit_reason: 'finished', error: null, backend: 'fake', queue_position: null });
    const [loss] = await core.call('metrics.series', { run_id: id, names: ['loss'] });
    expect(loss!.steps).toEqual(Array.from({ length: 20 }, (_x, i) => i + 1));
    expect(loss!.values[4]).toBeCloseTo(Math.sin(5), 12);
    expect(await core.call('checkpoints.list', { run_id: id })).toMatchObject([{ step: 20, present: true }]);
    const journal = readFileSync(join(run.folder, 'events.jsonl'), 'utf8').trim().split('\n');
    expect(run.last_event).toBe(journal.length);
    expect((await core.call('runs.log', { id })).text).toContain('a line on stderr');
    await until(async () => heard.some((e) => e.type === 'runs.changed' && e.data.run.state === 'finished'), 'the event');
    expect(heard.map((e) => e.n)).toEqual([...heard.map((e) => e.n)].sort((a, b) => a - b));
    end();
  });

  test('pause saves and ends the process; resume goes on from the checkpoint with no step twice and none missing', async () => {
    const { id } = await create({ steps: 60, ms: 20 });
    await until(async () => (await core.call('runs.get', { id })).step > 5, 'some steps');
    await core.call('runs.pause', { id });
    const paused = await state(id, 'paused');
    expect(paused.step).toBeLessThan(60);
    await core.call('runs.resume', { id });
    await state(id, 'finished');
    const [loss] = await core.call('metrics.series', { run_id: id, names: ['loss'] });
    expect(loss!.steps).toEqual(Array.from({ length: 60 }, (_x, i) => i + 1));
    const started = (await core.call('runs.events', { id })).filter((e) => e.type === 'started');
    expect(started.map((e) => e.data['resumed_from'])).toEqual([null, paused.step]);
  });

  test('stop keeps the run resumable; kill is told apart; a live run is not deleted', async () => {
    const { id } = await create({ steps: 500, ms: 20 });
    await until(async () => (await core.call('runs.get', { id })).step > 1, 'a step');
    await expect(core.call('runs.delete', { id })).rejects.toMatchObject({ code: 'run.live' });
    await core.call('runs.stop', { id });
    expect(await state(id, 'stopped')).toMatchObject({ exit_reason: 'stopped' });
    await core.call('runs.resume', { id });
    await state(id, 'running');
    await core.call('runs.kill', { id });
    expect(await state(id, 'stopped')).toMatchObject({ exit_reason: 'killed' });
    const { folder } = await core.call('runs.get', { id });
    await core.call('runs.delete', { id });
    expect(existsSync(folder)).toBe(false);
    await expect(core.call('runs.get', { id })).rejects.toMatchObject({ code: 'run.not_found' });
  });

  test.each([['crash', 'bug', /scripted crash/], ['oom', 'out_of_memory', /bad_alloc/], ['fail', 'non_finite', /./]])('a process that ends by "%s" is a failed run with the reason %s', async (end, reason, log) => {
    const { id } = await create({ steps: 4, end });
    const run = await state(id, 'failed');
    expect(run.exit_reason).toBe(reason);
    expect(run.error!.hint).not.toBe('');
    expect((await core.call('runs.log', { id })).text).toMatch(log);
  });

  test('the queue runs one at a time, by priority, then order; it can be reordered and held', async () => {
    await core.call('queue.hold', { held: true });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push((await create({ steps: 3 })).id);
    const waiting = async () => (await core.call('queue.list', {})).waiting.map((r) => ids.indexOf(r.id));
    expect(await waiting()).toEqual([0, 1, 2, 3]);
    await core.call('queue.reorder', { ids: [ids[3]!, ids[1]!] });
    expect(await waiting()).toEqual([3, 1, 0, 2]);
    await core.call('queue.setPriority', { id: ids[2]!, priority: 5 });
    expect(await waiting()).toEqual([2, 3, 1, 0]);
    await core.call('runs.pause', { id: ids[3]! });
    expect(await waiting()).toEqual([2, 1, 0]);
    expect((await core.call('runs.get', { id: ids[3]! })).state).toBe('draft');
    await core.call('queue.hold', { held: false });
    for (const i of [2, 1, 0]) await state(ids[i]!, 'finished');
    const started = await Promise.all([2, 1, 0].map(async (i) => (await core.call('runs.get', { id: ids[i]! })).started_at!));
    expect(started).toEqual([...started].sort((a, b) => a - b));
  });

  test('a reconnecting window gets what it missed, or is told to start over', async () => {
    const first = await core.raw('projects.list', {});
    await core.call('projects.create', { name: 'One more' });
    const seen: unknown[] = [];
    const end = core.subscribe(['projects'], (m) => seen.push(m), { epoch: first.epoch, after: first.n });
    await until(async () => seen.length >= 2, 'the missed event');
    expect(seen[0]).toMatchObject({ hello: { reset: false } });
    expect(seen[1]).toMatchObject({ event: { type: 'projects.changed' } });
    end();
    const other: unknown[] = [];
    const end2 = core.subscribe(['projects'], (m) => other.push(m), { epoch: 'another', after: 3 });
    await until(async () => other.length > 0, 'hello');
    expect(other[0]).toMatchObject({ hello: { reset: true } });
    end2();
  });

  test('settings that make no sense are refused and nothing changes', async () => {
    await expect(core.call('settings.set', { changes: { parallel_runs: 0 } })).rejects.toMatchObject({ code: 'settings.invalid' });
    await expect(core.call('settings.set', { changes: { nonsense: 1 } })).rejects.toMatchObject({ code: 'settings.invalid' });
    expect((await core.call('settings.set', { changes: { theme: 'dark' } })).theme).toBe('dark');
    expect((await core.call('settings.get', {})).parallel_runs).toBe(1);
  });
});

test('prompts that were changed while a run trained are those of a new run like it, at once and after a restart', async () => {
  let core = await httpCore();
  const { id, config } = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 400, ms: 10 }), start: true });
  await until(async () => (await core.call('runs.get', { id })).step > 0, 'the first step');
  const changed = { prompts: ['a blue ball', 'a cat'], negative_prompt: 'dark' };
  await core.call('runs.setPrompts', { id, ...changed });
  expect((await core.call('runs.get', { id })).changed_prompts).toEqual(changed);
  await until(async () => (await core.call('runs.events', { id })).some((e) => e.type === 'prompts'), 'the journal to say so');
  await core.call('runs.stop', { id });
  await until(async () => (await core.call('runs.get', { id })).state === 'stopped', 'the run to stop');
  await core.close();
  core = await httpCore(core.dataDir);
  expect(await core.call('runs.get', { id })).toMatchObject({ changed_prompts: changed, config: { samples: config.samples } });

  // asked of a process that hangs and is ended before it could obey: what it was to draw is what it drew before
  const hung = await core.call('runs.create', { config: scripted(core.dataDir, { steps: 2, end: 'hang' }), start: true });
  await until(async () => (await core.call('runs.get', { id: hung.id })).step === 1, 'its step');
  await core.call('runs.setPrompts', { id: hung.id, ...changed });
  expect((await core.call('runs.get', { id: hung.id })).changed_prompts).toEqual(changed);
  await core.call('runs.kill', { id: hung.id });
  await until(async () => (await core.call('runs.get', { id: hung.id })).state === 'stopped', 'its end');
  expect((await core.call('runs.get', { id: hung.id })).changed_prompts).toBeNull();
  expect((await core.call('runs.duplicate', { id, switch_lpl: true })).config.samples).toEqual({ ...config.samples, ...changed });
  await core.close();
  remove(core.dataDir);
});
