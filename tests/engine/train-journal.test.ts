import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openJournal, readJournal } from '../../main/engine/run/journal.ts';
import { lockRun } from '../../main/engine/run/lock.ts';
import { configHash, createRunFolder, parseRunConfig, readRunConfig } from '../../main/engine/run/runFolder.ts';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';
import { trainerEventSchema } from '../../main/contract/trainerEvent.ts';
import { startTime } from '../../main/files/processIdentity.ts';
import { errorOf, tempDir } from './train-helpers.ts';

const warning = (message: string) => ({ type: 'warning' as const, code: 'test', message });

describe('journal', () => {
  test('numbers from 1 without gaps, also over a reopening', () => {
    const file = join(tempDir(), 'events.jsonl');
    const first = openJournal(file);
    first.append(warning('a'));
    first.append(warning('b'));
    first.close();
    const second = openJournal(file);
    expect(second.last).toBe(2);
    expect(second.append(warning('c')).n).toBe(3);
    second.close();
    const { events, torn } = readJournal(file);
    expect(torn).toBe(false);
    expect(events.map((e) => e.n)).toEqual([1, 2, 3]);
    for (const e of events) expect(trainerEventSchema.parse(e)).toEqual(e);
  });

  test.each(['{"n":3,"at":1,"type":"war', '{"n":3,"at":1}', '{"n":3,"at":1,"ty\n'])('a torn last line is cut off: %j', (tail) => {
    const file = join(tempDir(), 'events.jsonl');
    const journal = openJournal(file);
    journal.append(warning('a'));
    journal.append(warning('b'));
    journal.close();
    const whole = readFileSync(file, 'utf8');
    appendFileSync(file, tail);
    expect(readJournal(file).torn).toBe(true);
    expect(readJournal(file).events).toHaveLength(2);
    const again = openJournal(file);
    expect(readFileSync(file, 'utf8')).toBe(whole);
    expect(again.append(warning('c')).n).toBe(3);
    again.close();
    expect(readJournal(file).events.map((e) => e.n)).toEqual([1, 2, 3]);
  });

  test('damage further up is reported, not repaired', async () => {
    const file = join(tempDir(), 'events.jsonl');
    writeFileSync(file, '{"n":1,"at":1,"type":"warning","code":"a","message":"a"}\ngarbage\n{"n":3}\n');
    expect(await errorOf(() => openJournal(file))).toMatchObject({ code: 'run.journal_damaged', message: expect.stringContaining('Line 2') });
  });
});

describe('run folder', () => {
  test('configuration survives the trip; a second run is refused', async () => {
    const dir = join(tempDir(), 'run'), config = defaultRunConfig();
    const folder = createRunFolder(dir, config);
    expect(readRunConfig(folder.config)).toEqual(config);
    expect((await errorOf(() => createRunFolder(dir, config))).code).toBe('run.folder_taken');
  });

  test('wrong fields are named', async () => {
    const error = await errorOf(() => parseRunConfig({ optimizer: { learning_rate: 'fast' }, training: { stepz: 3 } }));
    expect(error.code).toBe('run.config_invalid');
    expect(error.message).toContain('optimizer.learning_rate');
    expect(error.message).toContain('stepz');
  });

  test('the hash ignores key order and sees every value', () => {
    expect(configHash({ a: 1, b: { c: [1, 2], d: 2 } })).toBe(configHash({ b: { d: 2, c: [1, 2] }, a: 1 }));
    expect(configHash({ a: [1, 2] })).not.toBe(configHash({ a: [2, 1] }));
  });
});

test('the lock of a process that is gone is taken over, also when its number belongs to another one by now', () => {
  const dir = tempDir();
  writeFileSync(join(dir, 'run.lock'), `${process.ppid} another-boot:1`);
  lockRun(dir)();
  const release = lockRun(dir);
  const [pid, started] = readFileSync(join(dir, 'run.lock'), 'utf8').split(' ');
  expect(Number(pid)).toBe(process.pid);
  writeFileSync(join(dir, 'run.lock'), `${process.ppid} ${startTime(process.ppid)}`);
  expect(() => lockRun(dir)).toThrow(/being trained by process/);
  expect(started, 'as the supervisor reads it').toBe(startTime(process.pid));
  release();
});
