/** Opens the app's database: one file, write-ahead log, foreign keys, migrated to this version of the app. */
import Database from 'better-sqlite3';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { migrate, refuseNewer } from './migrate.ts';
import { logSlowQueries } from './statements.ts';

export type Db = Database.Database;

/**
 * Opens (and creates or migrates) the database at `file`; ":memory:" for tests. `log` is told of slow queries.
 * Throws AppError db.corrupt, db.read_only, db.locked, db.newer, db.disk_full with the file named; the file is left as it was.
 */
export function openDatabase(file: string, log?: (line: string) => void): Db {
  let db: Db | undefined;
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    db = new Database(file, { timeout: 5_000 });
    if (log) logSlowQueries(db, log);
    refuseNewer(db, file);
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('cache_size = -65536');
    checkIntegrity(db, file);
    migrate(db, file);
    db.pragma('busy_timeout = 500'); // from now on a window waits for the answer
    return db;
  } catch (error) {
    db?.close();
    throw databaseError(error, file);
  }
}

/** The database as it is, beside a core that may be using it; undefined where there is none or it does not open. */
export function openForReading(file: string): Db | undefined {
  try { return new Database(file, { readonly: true, fileMustExist: true, timeout: 1_000 }); } catch { return undefined; }
}

/** quick_check reads every page once; above 200 MB that would delay the start, and SQLite's own checks must do. */
function checkIntegrity(db: Db, file: string): void {
  const bytes = Number(db.pragma('page_count', { simple: true })) * Number(db.pragma('page_size', { simple: true }));
  if (bytes > 200e6) return;
  const result = db.pragma('quick_check(1)', { simple: true });
  if (result !== 'ok') throw corrupt(file, String(result));
}

const corrupt = (file: string, detail: string): AppError => new AppError('db.corrupt', `The database ${file} is damaged.`,
  'Move the file away and start again: runs, metrics and pictures are read anew from the run folders. Backups lie beside it (*.backup-*).', { file, detail });

const explained: Record<string, [code: string, what: string, hint: string]> = {
  SQLITE_READONLY: ['db.read_only', 'cannot be written', 'Make the file and its folder writable, or choose another data folder with LPL_DATA.'],
  SQLITE_CANTOPEN: ['db.cannot_open', 'cannot be opened', 'Check that its folder exists and may be written, or choose another data folder with LPL_DATA.'],
  SQLITE_BUSY: ['db.locked', 'is in use by another program', 'Close other LPL Studio windows and database tools, then try again.'],
  SQLITE_FULL: ['db.disk_full', 'cannot grow: the disk is full', 'Free some space, then try again. Nothing that was saved is lost.'],
  SQLITE_IOERR: ['db.io_error', 'could not be read or written', 'Check the disk and its free space, then try again.'],
};

/** SQLite's errors as AppError; anything else as it is. */
export function databaseError(error: unknown, file: string): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return fileError(error, file);
  const detail = (error as Error).message;
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) return corrupt(file, detail);
  const known = Object.entries(explained).find(([prefix]) => code.startsWith(prefix));
  return known ? new AppError(known[1][0], `The database ${file} ${known[1][1]}.`, known[1][2], { file, code, detail }) : error;
}

function fileError(error: unknown, file: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') return databaseError({ code: 'SQLITE_READONLY', message: String(error) }, file);
  if (code === 'ENOSPC') return databaseError({ code: 'SQLITE_FULL', message: String(error) }, file);
  return error;
}
