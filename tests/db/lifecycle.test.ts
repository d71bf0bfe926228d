/** What the ends of processes mean, with a trainer of the test's own: which process a run follows, and whose end counts. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';
import { openDatabase } from '../../main/db/open.ts';
import { createProjects } from '../../main/projects/store.ts';
import { createRuns } from '../../main/runs/index.ts';
import type { ProcessIdentity, TrainerExit } from '../../main/runs/trainerPort.ts';
import { remove, temporaryFolder } from '../api/helpers.ts';

function room() {
  const dir = temporaryFolder(), db = openDatabase(join(dir, 'studio.sqlite'));
  createProjects(db, () => undefined);
  const runs = createRuns(db, { runsDir: join(dir, 'runs'), emit: () => undefined, log: () => undefined, parallel: () => 1, hangMinutes: () => 0, prepare: () => Promise.resolve() });
  const seen = { started: 0, attached: [] as number[], holder: null as ProcessIdentity | null };
  runs.lifecycle.use({
    start: () => ({ pid: ++seen.started, started: 'x' }), attach: (_id, _folder, { pid }) => { seen.attached.push(pid); return true; },
    holder: () => seen.holder, send: () => undefined, kill: () => undefined, detach: () => undefined,
  });
  onTestFinished(() => { runs.lifecycle.close(); runs.recorder.close(); db.close(); remove(dir); });
  const { id } = runs.store.create({ project_id: runs.firstProject(), name: 'r', notes: '', config: defaultRunConfig(), compared_with: null });
  const ended = (pid: number): void => runs.lifecycle.callbacks.exited(id, { pid, reason: 'bug', error: { code: 'trainer.bug', message: 'It ended.', hint: 'Resume it.' } } satisfies TrainerExit);
  return { runs, id, seen, ended };
}

test('a process that found the folder taken gives way to the one that has it, and that one is followed', async () => {
  const { runs, id, seen, ended } = room();
  runs.lifecycle.enqueue(id, 0);
  await expect.poll(() => runs.store.row(id).pid).toBe(1);
  seen.holder = { pid: 77, started: 'y' };
  ended(1);
  expect(runs.store.row(id)).toMatchObject({ state: 'starting', pid: 77 });
  expect(seen.attached).toEqual([77]);
  seen.holder = null;
  ended(77);
  expect(runs.store.row(id)).toMatchObject({ state: 'failed', pid: null });
});

test('the late end of an earlier process says nothing about the run that was started again', async () => {
  const { runs, id, ended } = room();
  runs.lifecycle.enqueue(id, 0);
  await expect.poll(() => runs.store.row(id).pid).toBe(1);
  runs.store.update(id, { state: 'stopped' });
  runs.lifecycle.enqueue(id, 0);
  ended(1);
  expect(runs.store.row(id).state).toBe('queued');
  await expect.poll(() => runs.store.row(id).pid).toBe(2);
  ended(1);
  expect(runs.store.row(id)).toMatchObject({ state: 'starting', pid: 2 });
});
