/** Jobs whose last word cannot be written at once: the core lives on, windows are told, the row follows. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../main/db/open.ts';
import { createJobs } from '../../main/jobs/jobs.ts';
import { remove, temporaryFolder } from '../api/helpers.ts';

test('a job that ends while the database cannot be written is done, and is written when it can be', async () => {
  const dir = temporaryFolder();
  const db = openDatabase(join(dir, 'studio.sqlite'));
  const told: string[] = [];
  const jobs = createJobs(db, (_type, data) => { if ('job' in data) told.push(data.job.state); });
  onTestFinished(async () => { await jobs.close(); db.close(); remove(dir); });
  const job = jobs.start('test', 'A test', async () => { db.pragma('query_only = ON'); return 7; });
  await expect.poll(() => told.at(-1)).toBe('done');
  expect(jobs.get(job.id)).toMatchObject({ state: 'done', result: 7 });
  const kept = (): unknown => db.prepare('SELECT state FROM jobs WHERE id = ?').pluck().get(job.id);
  expect(kept()).toBe('running');
  db.pragma('query_only = OFF');
  await expect.poll(kept, { timeout: 60_000 }).toBe('done');
});
