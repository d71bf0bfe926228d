import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandQueue } from '../../main/engine/run/commandQueue.ts';
import { go, openTinyRuns } from './tinyRuns.ts';
import { tempDir } from './train-helpers.ts';

test('commands of the file that came after the start, whole lines only, and pushed ones', () => {
  const file = join(tempDir(), 'commands.jsonl');
  appendFileSync(file, '{"c":1,"type":"pause"}\n');
  const queue = new CommandQueue();
  queue.follow(file);
  expect(queue.ending).toBe(false);
  appendFileSync(file, '{"c":2,"type":"sample_now"}\nnonsense\n{"c":3,"type":"st');
  queue.push({ type: 'pause' });
  expect(queue.take()).toEqual([{ type: 'pause' }, { type: 'sample_now' }]);
  appendFileSync(file, 'op","save":false}\n');
  expect(queue.ending).toBe(true);
  expect(queue.take()).toEqual([{ type: 'stop', save: false }]);
  expect(queue.take()).toEqual([]);
});

test('what arrives while steps compute is done after the step, not when a file is written next', async () => {
  const { newRun } = await openTinyRuns();
  const dir = newRun({ training: { max_train_steps: 40, checkpointing_steps: 1_000 } });
  // as a message or a signal comes: in a turn of Node's own
  const { reason, of } = await go(dir, (e, commands) => { if (e.type === 'step' && e.step === 2) setImmediate(() => commands.push({ type: 'stop', save: false })); });
  expect([reason, of('step').length]).toEqual(['stopped', 2]);
});

test('a resumed run that is stopped while it prepares stands where it was', async () => {
  const { newRun } = await openTinyRuns();
  const dir = newRun({ training: { max_train_steps: 40, checkpointing_steps: 1_000 } });
  const early = await go(dir, (e, commands) => { if (e.type === 'started') commands.push({ type: 'stop', save: true }); });
  expect(early.of('finished')).toMatchObject([{ reason: 'stopped', step: 0 }]);
  await go(dir, (e, commands) => { if (e.type === 'step' && e.step === 2) commands.push({ type: 'stop', save: true }); });
  process.env['LPL_CACHE'] = tempDir(); // pictures have to be encoded again
  const again = await go(dir, (e, commands) => { if (e.type === 'started') commands.push({ type: 'stop', save: true }); });
  expect(again.of('step')).toEqual([]);
  expect(again.of('finished')).toMatchObject([{ reason: 'stopped', step: 2 }]);
});
