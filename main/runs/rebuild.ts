/** Makes the database agree with the run folders: every folder's run.json, then its journal from the beginning. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import { runFolder } from '../contract/runFolder.ts';
import { runConfigSchema } from '../contract/runConfig.ts';
import { runStates } from '../contract/runs.ts';
import { exitReasons } from '../contract/trainerEvent.ts';
import type { Db } from '../db/open.ts';
import type { Recorder } from './recorder.ts';
import { isLive, runFile } from './runRow.ts';
import type { RunStore } from './store.ts';

const fileSchema = z.object({
  id: z.string(), project_id: z.string(), name: z.string(), notes: z.string(), state: z.enum(runStates), exit_reason: z.enum(exitReasons).nullable(),
  error: z.unknown(), compared_with: z.string().nullable(), priority: z.int(), queue_order: z.number().nullable(), queue_group: z.string().nullable().default(null), created_at: z.number(), config: runConfigSchema,
  pid: z.int().nullable(), pid_started: z.string().nullable(), last_event: z.int(),
});

/** Names of folders of runs that the database does not know, or not there. */
export function unknownFolders(store: RunStore, runsDir: string): string[] {
  if (!existsSync(runsDir)) return [];
  const known = new Set(store.list().map((run) => run.folder));
  return readdirSync(runsDir).filter((name) => existsSync(runFile(join(runsDir, name))) && !known.has(join(runsDir, name)));
}

/** Takes one folder in: of a run that is not known, or whose folder has moved here. Throws run.copied_folder, what zod or the file system throws; the folder is left as it is. */
export function takeFolderIn(db: Db, store: RunStore, recorder: Recorder, folder: string): string {
  const f = fileSchema.parse(JSON.parse(readFileSync(runFile(folder), 'utf8')));
  db.prepare("INSERT OR IGNORE INTO projects (id, name, notes, created_at) VALUES (?, 'Found again', '', ?)").run(f.project_id, f.created_at);
  const error = f.error === null || f.error === undefined ? null : JSON.stringify(f.error);
  const known = store.find(f.id);
  if (known && existsSync(known.folder)) throw new AppError('run.copied_folder', `${folder} is a copy of the folder of "${known.name}".`, 'It is left alone. Move it out of the runs folder if it is a backup.', { id: f.id, folder });
  if (known) { recorder.forget(f.id); store.update(f.id, { folder }); }
  else {
    db.prepare('INSERT INTO runs (id, project_id, name, notes, state, compared_with, config, folder, total_steps, priority, created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?)')
      .run(f.id, f.project_id, f.name, f.notes, f.state, f.compared_with, JSON.stringify(f.config), folder, f.config.training.max_train_steps, f.priority, f.created_at);
  }
  if (existsSync(join(folder, runFolder.events))) { recorder.catchUp(f.id); recorder.flush(); }
  // the journal's last word counts, unless run.json was written after it
  const row = store.row(f.id);
  if (row.last_event <= f.last_event) store.update(f.id, { state: f.state, exit_reason: f.exit_reason, error, queue_order: f.queue_order, queue_group: f.queue_group });
  if (isLive(store.row(f.id).state)) store.update(f.id, { pid: f.pid, pid_started: f.pid_started });
  return f.id;
}
