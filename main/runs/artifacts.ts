/** What a run left behind, as rows: samples, checkpoints, exports, journal events, the log's tail. */
import { join, resolve } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { Checkpoint, Export, Sample } from '../contract/runData.ts';
import { runFolder } from '../contract/runFolder.ts';
import { mediaUrl } from '../contract/wire.ts';
import type { RunWithConfig } from '../contract/runs.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { readTail } from '../files/readTail.ts';
import type { RunStore } from './store.ts';

export interface MediaFile { file: string; sha256: string; name: string }

export function createArtifacts(db: Db, store: RunStore) {
  const sql = statements(db);
  const samples = (runId: string, step?: number): Sample[] => {
    const { key } = store.row(runId);
    const rows = sql('SELECT * FROM samples WHERE run = @key AND (@step IS NULL OR step = @step) ORDER BY step, prompt_index, seed, ema').all({ key, step: step ?? null }) as (Omit<Sample, 'ema' | 'run_id' | 'url'> & { ema: number })[];
    return rows.map(({ ema, ...r }) => ({ ...r, run_id: runId, ema: ema === 1, url: mediaUrl('sample', r.id) }));
  };
  const checkpoints = (runId: string): Checkpoint[] => {
    const rows = sql('SELECT * FROM checkpoints WHERE run = ? ORDER BY step DESC, rowid DESC').all(store.row(runId).key) as (Omit<Checkpoint, 'present' | 'run_id'> & { present: number })[];
    return rows.map(({ present, ...r }) => ({ ...r, run_id: runId, present: present === 1 }));
  };
  /** Each file once, as it was written last: exported again, it was written over. */
  const exports = (runId: string): Export[] => {
    const rows = sql('SELECT e.* FROM exports e WHERE run = ? AND NOT EXISTS (SELECT 1 FROM exports n WHERE n.run = e.run AND n.file = e.file AND (n.created_at, n.rowid) > (e.created_at, e.rowid)) ORDER BY created_at DESC, rowid DESC').all(store.row(runId).key) as Omit<Export, 'run_id' | 'url'>[];
    return rows.map((r) => ({ ...r, run_id: runId, url: mediaUrl('export', r.id) }));
  };
  const events = (runId: string, after: number, limit: number) => {
    const rows = sql('SELECT n, at, type, data FROM events WHERE run = ? AND n > ? ORDER BY n LIMIT ?').all(store.row(runId).key, after, limit) as { n: number; at: number; type: string; data: string }[];
    return rows.map((r) => ({ ...r, data: JSON.parse(r.data) as Record<string, unknown> }));
  };
  /** The sample prompts that were last changed to while the run trained. */
  const changedPrompts = (runId: string): RunWithConfig['changed_prompts'] => {
    const row = sql("SELECT data FROM events WHERE run = ? AND type = 'prompts' ORDER BY n DESC LIMIT 1").get(store.row(runId).key) as { data: string } | undefined;
    return row ? JSON.parse(row.data) as RunWithConfig['changed_prompts'] : null;
  };
  /** The file behind a media id. Throws media.not_found. */
  const media = (kind: 'sample' | 'export', id: string): MediaFile => {
    const table = kind === 'sample' ? 'samples' : 'exports';
    const row = sql(`SELECT m.file, m.sha256, r.folder FROM ${table} m JOIN runs r ON r.key = m.run WHERE m.id = ?`).get(id) as { file: string; sha256: string; folder: string } | undefined;
    if (!row) throw new AppError('media.not_found', `There is no ${kind} ${id}.`, 'It may have been deleted with its run.', { id });
    const file = resolve(row.folder, row.file);
    return { file, sha256: row.sha256, name: row.file.split(/[\\/]/).at(-1)! };
  };
  return { samples, checkpoints, exports, events, changedPrompts, media, log: (runId: string, bytes: number) => readTail(join(store.row(runId).folder, runFolder.log), bytes) };
}
