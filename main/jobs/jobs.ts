/** Jobs: long work that answers with an id at once, reports progress with a time left, and can be cancelled. */
import { AppError, toAppError, type AppErrorData } from '../contract/errors.ts';
import type { Job } from '../contract/system.ts';
import type { Emit } from '../contract/emit.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { newId } from '../files/newId.ts';

/** What the work of a job is given. */
export interface JobContext {
  readonly id: string;
  /** aborted when the person cancels: pass it on, or check it between pieces */
  readonly signal: AbortSignal;
  /** `done` of `total`, in any unit; the time left is worked out from it. */
  progress(text: string, done: number, total: number): void;
}

export interface Jobs {
  /** Starts the work on the next turn and returns the job. */
  start(kind: string, title: string, work: (job: JobContext) => Promise<unknown>): Job;
  get(id: string): Job;
  list(): Job[];
  cancel(id: string): Job;
  /** Cancels all and waits for them. */
  close(): Promise<void>;
}

type Row = Omit<Job, 'eta_s' | 'result' | 'error'> & { result: string | null; error: string | null };
const fromRow = (r: Row): Job => ({ ...r, eta_s: null, result: r.result === null ? null : JSON.parse(r.result), error: r.error === null ? null : JSON.parse(r.error) as AppErrorData });
const EMIT_EVERY_MS = 200;
const RETRY_MS = 1_000;

/** Jobs that were running when the last core ended are marked failed: their work is gone. */
export function createJobs(db: Db, emit: Emit, now: () => number = Date.now): Jobs {
  const sql = statements(db);
  let closed = false;
  const live = new Map<string, { job: Job; abort: AbortController; settled: Promise<void>; emitted: number }>();
  const interrupted: AppErrorData = { code: 'job.interrupted', message: 'The app was closed while this was under way.', hint: 'Start it again.' };
  sql("UPDATE jobs SET state = 'failed', error = ?, ended_at = ? WHERE state = 'running'").run(JSON.stringify(interrupted), now());

  const save = (j: Job): void => {
    sql('INSERT INTO jobs (id, kind, title, state, text, done, total, result, error, created_at, ended_at) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, text = excluded.text, done = excluded.done, total = excluded.total, result = excluded.result, error = excluded.error, ended_at = excluded.ended_at')
      .run(j.id, j.kind, j.title, j.state, j.text, j.done, j.total, JSON.stringify(j.result ?? null), j.error ? JSON.stringify(j.error) : null, j.created_at, j.ended_at);
    emit('jobs.changed', { job: { ...j } });
  };
  const end = (job: Job, changes: Partial<Job>): void => {
    Object.assign(job, changes, { eta_s: null, ended_at: now() });
    settle(job);
  };
  /** The end is written again every second until it goes through: a full disk is over some time. Windows are told at once. */
  const settle = (job: Job): void => {
    try { save(job); live.delete(job.id); } catch {
      emit('jobs.changed', { job: { ...job } });
      if (!closed) setTimeout(() => { if (!closed) settle(job); }, RETRY_MS).unref();
    }
  };
  const get = (id: string): Job => {
    const row = live.get(id)?.job ?? sql('SELECT * FROM jobs WHERE id = ?').get(id);
    if (!row) throw new AppError('job.not_found', `There is no job ${id}.`, 'Reload the page.', { id });
    return live.has(id) ? { ...(row as Job) } : fromRow(row as Row);
  };

  return {
    get,
    list: () => (sql('SELECT id FROM jobs ORDER BY created_at DESC, rowid DESC LIMIT 200').all() as { id: string }[]).map((r) => get(r.id)),
    start(kind, title, work) {
      const job: Job = { id: newId('job'), kind, title, state: 'running', text: 'Starting', done: 0, total: 0, eta_s: null, result: null, error: null, created_at: now(), ended_at: null };
      const abort = new AbortController();
      const entry = { job, abort, settled: Promise.resolve(), emitted: 0 };
      live.set(job.id, entry);
      save(job);
      const started = performance.now();
      const progress: JobContext['progress'] = (text, done, total) => {
        const elapsed = (performance.now() - started) / 1000;
        Object.assign(job, { text, done, total, eta_s: done > 0 && total > done ? (elapsed / done) * (total - done) : null });
        if (performance.now() - entry.emitted < EMIT_EVERY_MS && done < total) return;
        entry.emitted = performance.now();
        emit('jobs.changed', { job: { ...job } });
      };
      entry.settled = Promise.resolve().then(() => work({ id: job.id, signal: abort.signal, progress })).then(
        (result) => end(job, { state: 'done', result: result ?? null, done: job.total, text: 'Done' }),
        (error: unknown) => end(job, abort.signal.aborted ? { state: 'cancelled', text: 'Cancelled' } : { state: 'failed', text: 'Failed', error: toAppError(error) }),
      );
      return { ...job };
    },
    cancel(id) {
      live.get(id)?.abort.abort();
      return get(id);
    },
    async close() {
      closed = true;
      for (const { abort } of live.values()) abort.abort();
      await Promise.all([...live.values()].map((e) => e.settled));
    },
  };
}
