/** Migrations: numbered SQL files, each applied once, in order, in one transaction, after a backup. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { Db } from './open.ts';

export interface Migration { version: number; name: string; sql: string }

/** All migrations of a folder. Throws when numbers are missing or doubled. */
export function readMigrations(dir = join(import.meta.dirname, 'migrations')): Migration[] {
  const files = readdirSync(dir).filter((f) => f.endsWith('.sql')).sort();
  return files.map((file, i) => {
    const version = Number(file.slice(0, 4));
    if (version !== i + 1) throw new Error(`migration ${file} should be number ${i + 1}`);
    return { version, name: file.replace(/\.sql$/, ''), sql: readFileSync(join(dir, file), 'utf8') };
  });
}

/** Throws db.newer, before anything is changed, for a database that a newer app made. */
export function refuseNewer(db: Db, file: string, newest = readMigrations().length): number {
  const current = Number(db.pragma('user_version', { simple: true }));
  if (current <= newest) return current;
  throw new AppError('db.newer', `The database ${file} was made by a newer LPL Studio (version ${current} of the database; this app knows ${newest}).`,
    'Update the app, or choose another data folder with LPL_DATA. Nothing was changed.', { file, found: current, known: newest });
}

/**
 * Brings the database to the newest version. A database of a newer app is refused untouched (db.newer); before the
 * first change an existing database is copied to `<file>.backup-<version>`.
 */
export function migrate(db: Db, file: string, migrations = readMigrations()): void {
  const current = refuseNewer(db, file, migrations.length);
  if (current === migrations.length) return;
  if (current > 0 && file !== ':memory:') backup(db, `${file}.backup-${current}`);
  for (const m of migrations.slice(current)) {
    db.transaction(() => {
      db.exec(m.sql);
      db.pragma(`user_version = ${m.version}`);
    })();
  }
}

/** Whole or not there: a copy that was interrupted never has the name. An earlier backup of the same version is kept under a further number. */
function backup(db: Db, to: string): void {
  const temporary = `${to}.part`;
  rmSync(temporary, { force: true });
  db.prepare('VACUUM INTO ?').run(temporary);
  for (let n = 2; existsSync(to); n++) {
    const older = `${to}-${n}`;
    if (!existsSync(older)) renameSync(to, older);
  }
  renameSync(temporary, to);
}
