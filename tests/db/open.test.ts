/** Opening the database when something is wrong with it: clear errors, and the file is left as it was. */
import Database from 'better-sqlite3';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../main/db/open.ts';
import { migrate, readMigrations } from '../../main/db/migrate.ts';
import { statements } from '../../main/db/statements.ts';
import { remove, temporaryFolder } from '../api/helpers.ts';

let dir: string;
beforeAll(() => { dir = temporaryFolder(); });
afterAll(() => remove(dir));
const refusal = (file: string): { code: string; message: string; hint: string } => {
  try { openDatabase(file).close(); } catch (error) { return error as never; }
  throw new Error('it was opened');
};

test('a new database has write-ahead logging, foreign keys and every migration', () => {
  const db = openDatabase(join(dir, 'new', 'studio.sqlite'));
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(db.pragma('foreign_keys', { simple: true })).toBe(1);
  expect(db.pragma('user_version', { simple: true })).toBe(readMigrations().length);
  expect(db.pragma('foreign_key_check')).toEqual([]);
  db.close();
});

test('a database of a newer app is refused and not touched', () => {
  const file = join(dir, 'newer.sqlite');
  const db = openDatabase(file);
  db.pragma('user_version = 999');
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  const before = readFileSync(file);
  expect(refusal(file)).toMatchObject({ code: 'db.newer' });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a newer database that keeps its journal in another way is not touched either', () => {
  const file = join(dir, 'newer-delete.sqlite');
  const db = new Database(file);
  db.exec('CREATE TABLE of_the_future (x)');
  db.pragma('user_version = 999');
  db.close();
  const before = readFileSync(file);
  expect(refusal(file)).toMatchObject({ code: 'db.newer' });
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a slow query is logged with its text, a quick one is not', () => {
  const said: string[] = [];
  const db = openDatabase(join(dir, 'slow.sqlite'), (line) => said.push(line));
  const sql = statements(db);
  expect(sql('SELECT count(*) AS n FROM projects').get()).toEqual({ n: 0 });
  expect(said).toEqual([]);
  sql('WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 3000000) SELECT sum(x) AS total FROM c').all();
  expect(said).toEqual([expect.stringMatching(/^slow query: WITH RECURSIVE .* took \d{3,} ms$/)]);
  expect(sql('SELECT 1').pluck().get(), 'a timed statement is still a statement').toBe(1);
  db.close();
});

test('a damaged database is refused with what to do', () => {
  const file = join(dir, 'damaged.sqlite');
  const db = openDatabase(file);
  for (let i = 0; i < 500; i++) db.prepare('INSERT INTO projects (id, name, created_at) VALUES (?, ?, 0)').run(`p${i}`, 'x'.repeat(200));
  db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xa5, 8192, 24_576);
  writeFileSync(file, bytes);
  expect(refusal(file)).toMatchObject({ code: 'db.corrupt', hint: expect.stringMatching(/run folders/) });
  writeFileSync(file, 'this is no database, but it is long enough to have a header of one hundred bytes, which SQLite looks at first of all things');
  expect(refusal(file)).toMatchObject({ code: 'db.corrupt' });
  truncateSync(file, 50);
  expect(refusal(file)).toMatchObject({ code: 'db.corrupt' });
});

test('a database that another program holds is refused after a while, not waited for for ever', async () => {
  const file = join(dir, 'locked.sqlite');
  openDatabase(file).close();
  const holder = spawn(process.execPath, ['-e', `const D=require('better-sqlite3');const d=new D(${JSON.stringify(file)});d.pragma('locking_mode=EXCLUSIVE');d.exec('BEGIN EXCLUSIVE');console.log('held');setInterval(()=>{},1e3)`], { stdio: ['ignore', 'pipe', 'inherit'], cwd: join(import.meta.dirname, '..', '..') });
  await new Promise((r) => holder.stdout.once('data', r));
  try { expect(refusal(file)).toMatchObject({ code: 'db.locked' }); } finally { holder.kill('SIGKILL'); }
});

test('a folder that cannot be written is named', () => {
  const file = join(dir, 'a-file');
  writeFileSync(file, '');
  expect(refusal(join(file, 'studio.sqlite')).message).toContain(file);
  const readOnly = join(dir, 'read-only');
  mkdirSync(readOnly);
  openDatabase(join(readOnly, 'studio.sqlite')).close();
  chmodSync(join(readOnly, 'studio.sqlite'), 0o444);
  chmodSync(readOnly, 0o555);
  if (process.getuid?.() !== 0) expect(refusal(join(readOnly, 'studio.sqlite'))).toMatchObject({ code: 'db.read_only' });
  chmodSync(readOnly, 0o755);
});

test('a backup is made before the first change of a migration', () => {
  const file = join(dir, 'backup.sqlite');
  const old = new Database(file);
  const [first] = readMigrations();
  old.exec(first!.sql);
  old.pragma('user_version = 1');
  old.prepare("INSERT INTO projects (id, name, created_at) VALUES ('p', 'Kept', 0)").run();
  old.close();
  const db = openDatabase(file);
  expect(db.prepare('SELECT name FROM projects').pluck().all()).toEqual(['Kept']);
  db.close();
  const backup = new Database(`${file}.backup-1`, { readonly: true });
  expect(backup.pragma('user_version', { simple: true })).toBe(1);
  expect(backup.prepare('SELECT name FROM projects').pluck().all()).toEqual(['Kept']);
  backup.close();
});

test('a backup that was cut off is made anew, and an earlier one of the same version is kept', () => {
  const file = join(dir, 'backup-again.sqlite');
  const old = new Database(file);
  old.exec(readMigrations()[0]!.sql);
  old.pragma('user_version = 1');
  old.close();
  writeFileSync(`${file}.backup-1.part`, 'half of a copy');
  writeFileSync(`${file}.backup-1`, 'an earlier one');
  openDatabase(file).close();
  expect(readFileSync(`${file}.backup-1-2`, 'utf8')).toBe('an earlier one');
  expect(existsSync(`${file}.backup-1.part`)).toBe(false);
  const backup = new Database(`${file}.backup-1`, { readonly: true });
  expect(backup.pragma('integrity_check', { simple: true })).toBe('ok');
  backup.close();
});

test('a migration that fails leaves the database as it was', () => {
  const file = join(dir, 'failing.sqlite');
  const db = openDatabase(file);
  const version = Number(db.pragma('user_version', { simple: true }));
  const broken = [...readMigrations(), { version: version + 1, name: 'broken', sql: 'CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);' }];
  expect(() => migrate(db, file, broken)).toThrow(/nowhere/);
  expect(db.pragma('user_version', { simple: true })).toBe(version);
  expect(db.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'half'").pluck().get()).toBe(0);
  db.close();
});

test('migration files are numbered without gaps', () => {
  const gap = join(dir, 'migrations');
  mkdirSync(gap);
  const source = join(import.meta.dirname, '..', '..', 'main', 'db', 'migrations');
  for (const f of readdirSync(source)) copyFileSync(join(source, f), join(gap, f));
  expect(readMigrations(gap).map((m) => m.version)).toEqual(readdirSync(source).map((_, i) => i + 1));
  writeFileSync(join(gap, '0099-far.sql'), '');
  expect(() => readMigrations(gap)).toThrow(/0099-far/);
  expect(existsSync(source)).toBe(true);
});
