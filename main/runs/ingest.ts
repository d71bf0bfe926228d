/** What one journal event does to the database. */
import type { TrainerEvent } from '../contract/trainerEvent.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import type { RunRow } from './runRow.ts';

type Of<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;
export interface Ingest { (run: RunRow, events: readonly TrainerEvent[]): void }

/** Columns of the run's row that events change; the last word wins. */
function effect(e: TrainerEvent): Partial<RunRow> {
  switch (e.type) {
    case 'started': return { state: 'running', exit_reason: null, error: null, backend: e.backend, device: e.device, total_steps: e.total_steps, started_at: e.at, ended_at: null };
    case 'stage': return { stage: JSON.stringify({ stage: e.stage, text: e.text, done: e.done, total: e.total, eta_s: e.eta_s, at: e.at }) };
    case 'step': return { stage: null, step: e.step, eta_s: e.eta_s, images_per_s: e.images_per_s, memory_mb: e.memory.rss_mb };
    case 'finished': return { state: e.reason, exit_reason: e.reason, error: null, step: e.step, eta_s: null, stage: null, ended_at: e.at };
    case 'failed': return { state: 'failed', exit_reason: e.reason, error: JSON.stringify(e.error), eta_s: null, stage: null, ended_at: e.at };
    default: return {};
  }
}

/** Takes events of one run in, in order. Call it inside a transaction; replaying events is harmless. */
export function createIngest(db: Db): Ingest {
  const sql = statements(db);
  const nameIds = new Map<string, number>();
  const nameId = (name: string): number => {
    let found = nameIds.get(name);
    if (found === undefined) {
      sql('INSERT OR IGNORE INTO metric_names (name) VALUES (?)').run(name);
      nameIds.set(name, found = (sql('SELECT id FROM metric_names WHERE name = ?').get(name) as { id: number }).id);
    }
    return found;
  };
  const insertMetric = db.prepare('INSERT OR REPLACE INTO metrics (run, metric, step, value) VALUES (?, ?, ?, ?)');
  const metrics = (run: RunRow, step: number, values: Record<string, unknown>): void => {
    for (const name in values) {
      const value = values[name];
      if (typeof value === 'number' && Number.isFinite(value)) insertMetric.run(run.key, nameId(name), step, value);
    }
  };
  const sample = (run: RunRow, e: Of<'sample'>): void => {
    sql('INSERT OR REPLACE INTO samples (id, run, step, prompt, negative_prompt, prompt_index, seed, ema, width, height, file, sha256, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)')
      .run(`${run.id}-${e.n}`, run.key, e.step, e.prompt, e.negative_prompt, e.prompt_index, e.seed, e.ema ? 1 : 0, e.width, e.height, e.file, e.sha256, e.at);
  };
  const checkpoint = (run: RunRow, e: Of<'checkpoint'>): void => {
    sql('INSERT OR REPLACE INTO checkpoints (id, run, step, dir, bytes, sha256, present, created_at) VALUES (?,?,?,?,?,?,1,?)').run(`${run.id}-${e.n}`, run.key, e.step, e.dir, e.bytes, e.sha256, e.at);
    for (const dir of e.removed) sql('UPDATE checkpoints SET present = 0 WHERE run = ? AND dir = ? AND id <> ?').run(run.key, dir, `${run.id}-${e.n}`);
  };
  const exported = (run: RunRow, e: Of<'export'>): void => {
    sql('INSERT OR REPLACE INTO exports (id, run, step, file, format, bytes, sha256, created_at) VALUES (?,?,?,?,?,?,?,?)').run(`${run.id}-${e.n}`, run.key, e.step, e.file, e.format, e.bytes, e.sha256, e.at);
  };
  const journal = (run: RunRow, e: TrainerEvent): void => {
    const { n, at, type, ...data } = e;
    sql('INSERT OR REPLACE INTO events (run, n, at, type, data) VALUES (?, ?, ?, ?, ?)').run(run.key, n, at, type, JSON.stringify(data));
  };

  return (run, events) => {
    const changes: Partial<RunRow> = {};
    for (const e of events) {
      Object.assign(changes, effect(e));
      if (e.type === 'step' || e.type === 'validation') metrics(run, e.step, e.metrics);
      if (e.type === 'step') { metrics(run, e.step, { seconds: e.seconds, images_per_s: e.images_per_s, 'memory/rss_mb': e.memory.rss_mb }); continue; }
      if (e.type === 'stage') continue;
      if (e.type === 'sample') sample(run, e);
      if (e.type === 'checkpoint') checkpoint(run, e);
      if (e.type === 'export') exported(run, e);
      journal(run, e);
    }
    const last = events.at(-1);
    if (!last) return;
    const { state, ...others } = changes;
    const set = Object.entries({ ...others, ...(state === undefined || state === 'running' ? {} : { state }), heartbeat_at: last.at, last_event: last.n });
    if (state === 'running') sql("UPDATE runs SET state = 'running' WHERE key = ? AND state NOT IN ('pausing', 'stopping')").run(run.key);
    sql(`UPDATE runs SET ${set.map(([k]) => `${k} = ?`).join(', ')} WHERE key = ?`).run(...set.map(([, v]) => v), run.key);
  };
}
