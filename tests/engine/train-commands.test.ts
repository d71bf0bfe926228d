import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandQueue } from '../../main/engine/run/commandQueue.ts';
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
