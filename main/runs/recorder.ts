/**
 * The recorder: takes the events of training processes into SQLite.
 *
 * Events come by number, from IPC and from the journal alike. What is known already is dropped, a gap is filled from
 * the journal; so replaying is harmless and nothing is lost when a message, this process or the window dies. Rows are
 * written in batches: one transaction every FLUSH_MS or MAX_ROWS rows.
 */
import { join } from 'node:path';
import type { Emit } from '../contract/emit.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { TrainerEvent } from '../contract/trainerEvent.ts';
import type { Db } from '../db/open.ts';
import { databaseError } from '../db/open.ts';
import { timed } from '../db/statements.ts';
import { createIngest } from './ingest.ts';
import { readEvents } from '../files/journalReader.ts';
import type { RunRow } from './runRow.ts';
import type { RunStore } from './store.ts';

const FLUSH_MS = 100;
const RETRY_MS = 1_000;
/** Rows (about) of one transaction: some 50 ms, so that a window's call never waits long behind it. */
const MAX_ROWS = 20_000;
/** Above this many rows unwritten (a full disk, a locked file) events are forgotten here; the journal still has them. */
const MAX_HELD = 1_000_000;

export interface Recorder {
  /** Takes events in, from any source, any number of times. */
  ingest(runId: string, events: readonly TrainerEvent[]): void;
  /** Reads what the journal has beyond the last known event. Does not throw: what cannot be written now is tried again. */
  catchUp(runId: string): void;
  /** Writes everything held. Throws AppError db.* when the database cannot be written. */
  flush(): void;
  /** Forgets a deleted run. */
  forget(runId: string): void;
  close(): void;
}

interface Track { row: RunRow; last: number; offset: number; pending: TrainerEvent[] }
export interface RecorderOptions { log: (line: string) => void; /** after a batch: the run and its new events */ onEvents?: (runId: string, events: readonly TrainerEvent[]) => void }

/** Rows that an event becomes: a step's metrics and the three that the recorder adds. */
const rowsOf = (e: TrainerEvent): number => (e.type === 'step' ? Object.keys(e.metrics).length + 3 : 1);

export function createRecorder(db: Db, store: RunStore, emit: Emit, options: RecorderOptions): Recorder {
  const tracks = new Map<string, Track>();
  /** runs whose events were forgotten while the database could not be written */
  const behind = new Set<string>();
  const take = createIngest(db);
  let timer: NodeJS.Timeout | undefined;
  let held = 0;
  let failing = false;

  const track = (runId: string): Track | undefined => {
    let t = tracks.get(runId);
    if (!t) {
      const row = store.find(runId);
      if (row) tracks.set(runId, t = { row, last: row.last_event, offset: 0, pending: [] });
    }
    return t;
  };
  const schedule = (ms: number): void => { timer ??= setTimeout(() => quietly(flush), ms); };
  const add = (t: Track, events: readonly TrainerEvent[]): boolean => {
    for (const e of events) {
      if (e.n <= t.last) continue;
      if (e.n > t.last + 1) return false;
      t.pending.push(e);
      t.last = e.n;
      held += rowsOf(e);
    }
    return true;
  };
  /** Starts over from what the database has: the journal is read again from its beginning when it is needed. */
  const forgetPending = (): void => {
    for (const id of tracks.keys()) behind.add(id);
    tracks.clear();
    held = 0;
  };

  /** One transaction with everything held. */
  function write(): void {
    const batch = [...tracks.values()].filter((t) => t.pending.length > 0);
    if (batch.length === 0) return;
    try { timed(db, 'events of training processes', db.transaction(() => { for (const t of batch) take(t.row, t.pending); })); } catch (error) { throw databaseError(error, db.name); }
    held = 0;
    for (const t of batch) announce(t.row.id, t.pending.splice(0));
  }
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    write();
    for (const id of behind) { behind.delete(id); read(id); }
    write();
    failing = false;
  }
  function announce(runId: string, events: TrainerEvent[]): void {
    const lastStep = events.findLast((e) => e.type === 'step');
    emit('run.events', { run_id: runId, events: events.filter((e) => e.type !== 'step' || e === lastStep) });
    emit('runs.changed', { run: store.get(runId) });
    options.onEvents?.(runId, events);
  }
  function quietly(work: () => void): void {
    try { work(); } catch (error) {
      const e = error as Error & { hint?: string };
      if (!failing) emit('notice', { level: 'error', title: 'Metrics cannot be saved', text: `${e.message} ${e.hint ?? ''} Training goes on; its journal keeps everything.`, run_id: null });
      options.log(`recorder: ${e.message}`);
      failing = true;
      if (held > MAX_HELD) forgetPending();
      clearTimeout(timer);
      timer = undefined;
      schedule(RETRY_MS);
    }
  }
  /** Takes in what the journal has beyond the last known event. Throws AppError db.*; then the run is behind, and read again with the next flush. */
  function read(runId: string): void {
    const t = track(runId);
    if (!t) return;
    const bad = (line: string): void => options.log(`journal of ${runId}: not an event: ${line.slice(0, 200)}`);
    try {
      for (const { events, offset } of readEvents(join(t.row.folder, runFolder.events), t.offset, bad)) {
        // a number missing from the journal itself cannot be had anywhere: go on behind it
        for (const e of events) if (!add(t, [e])) { bad(`events ${t.last + 1} to ${e.n - 1} are missing`); t.last = e.n - 1; add(t, [e]); }
        t.offset = offset;
        if (held >= MAX_ROWS) write();
      }
    } catch (error) { behind.add(runId); throw error; }
  }
  function catchUp(runId: string): void {
    quietly(() => read(runId));
    schedule(failing ? RETRY_MS : 0);
  }
  return {
    flush, catchUp,
    ingest(runId, events) {
      const t = behind.has(runId) ? undefined : track(runId);
      if (!t) return;
      if (!add(t, events)) catchUp(runId);
      if (held >= MAX_ROWS && !failing) quietly(flush); else schedule(failing ? RETRY_MS : FLUSH_MS);
    },
    forget: (runId) => { tracks.delete(runId); behind.delete(runId); },
    close() { clearTimeout(timer); timer = undefined; try { flush(); } catch (error) { options.log(`recorder: ${(error as Error).message}`); } },
  };
}
