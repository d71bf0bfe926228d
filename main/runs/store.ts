/** The runs table. Whatever must outlive the database is also written to run.json in the run's folder. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { Run } from '../contract/runs.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { writeJson } from '../files/atomicFile.ts';
import { newId } from '../files/newId.ts';
import { byEntry } from './queueEntries.ts';
import { runFile, toRun, type RunRow } from './runRow.ts';

export interface NewRun { project_id: string; name: string; notes: string; config: RunConfig; compared_with: string | null }
type Changes = Partial<Omit<RunRow, 'key' | 'id'>>;

export interface RunStore {
  row(id: string): RunRow;
  find(id: string): RunRow | undefined;
  get(id: string): Run;
  list(projectId?: string): Run[];
  create(run: NewRun): Run;
  /** Changes columns, the folder's run.json where it holds them, and tells windows. */
  update(id: string, changes: Changes): Run;
  remove(id: string): void;
  /** runs that wait, first one first */
  waiting(): RunRow[];
  inStates(states: readonly Run['state'][]): RunRow[];
}

/** Columns kept in run.json: everything the journal cannot tell. */
const kept = ['id', 'project_id', 'name', 'notes', 'state', 'exit_reason', 'error', 'compared_with', 'priority', 'queue_order', 'queue_group', 'created_at', 'config', 'pid', 'pid_started', 'last_event'] as const satisfies readonly (keyof RunRow)[];

export function createRunStore(db: Db, runsDir: string, emit: Emit): RunStore {
  const sql = statements(db);
  const find = (id: string): RunRow | undefined => sql('SELECT * FROM runs WHERE id = ?').get(id) as RunRow | undefined;
  const row = (id: string): RunRow => {
    const found = find(id);
    if (!found) throw new AppError('run.not_found', `There is no run ${id}.`, 'It may have been deleted. Reload the page.', { id });
    return found;
  };
  const waiting = (): RunRow[] => byEntry(sql('SELECT * FROM runs WHERE queue_order IS NOT NULL ORDER BY priority DESC, queue_order').all() as RunRow[]);
  const position = (r: RunRow): number | null => (r.queue_order === null ? null : waiting().findIndex((w) => w.id === r.id) + 1);
  const get = (id: string): Run => { const r = row(id); return toRun(r, position(r)); };
  /** A folder that was taken away (a disk that is not plugged in) is not made anew: it may come back as it was. */
  const keep = (r: RunRow): void => { if (existsSync(r.folder)) writeJson(runFile(r.folder), Object.fromEntries(kept.map((k) => [k, (k === 'config' || k === 'error') && r[k] !== null ? JSON.parse(r[k]) : r[k]]))); };
  const changed = (id: string): Run => { const run = get(id); emit('runs.changed', { run }); return run; };

  return {
    row, find, get, waiting,
    list: (projectId) => (sql('SELECT * FROM runs WHERE @project IS NULL OR project_id = @project ORDER BY created_at DESC, key DESC').all({ project: projectId ?? null }) as RunRow[]).map((r) => toRun(r, position(r))),
    inStates: (states) => sql('SELECT * FROM runs WHERE state IN (SELECT value FROM json_each(?)) ORDER BY created_at').all(JSON.stringify(states)) as RunRow[],
    create(run) {
      if (!sql('SELECT 1 FROM projects WHERE id = ?').get(run.project_id)) throw new AppError('project.not_found', `There is no project ${run.project_id}.`, 'Choose another project.', { id: run.project_id });
      const id = newId('run');
      const folder = join(runsDir, id);
      mkdirSync(folder, { recursive: true });
      sql("INSERT INTO runs (id, project_id, name, notes, state, compared_with, config, folder, total_steps, created_at) VALUES (?, ?, ?, ?, 'draft', ?, ?, ?, ?, ?)")
        .run(id, run.project_id, run.name, run.notes, run.compared_with, JSON.stringify(run.config), folder, run.config.training.max_train_steps, Date.now());
      keep(row(id));
      emit('projects.changed', {});
      return changed(id);
    },
    update(id, changes) {
      const keys = Object.keys(changes) as (keyof Changes)[];
      if (keys.length > 0) sql(`UPDATE runs SET ${keys.map((k) => `${k} = ?`).join(', ')} WHERE id = ?`).run(...keys.map((k) => changes[k]), row(id).id);
      if (keys.some((k) => (kept as readonly string[]).includes(k))) keep(row(id));
      return changed(id);
    },
    remove(id) {
      const r = row(id);
      if (basename(r.folder) !== id) throw new AppError('run.foreign_folder', `The folder of run ${id} is not one that the app made: ${r.folder}.`, 'Delete it by hand if you are sure.', { id, folder: r.folder });
      rmSync(r.folder, { recursive: true, force: true });
      sql('DELETE FROM runs WHERE id = ?').run(id);
      emit('runs.deleted', { id });
      emit('projects.changed', {});
    },
  };
}
