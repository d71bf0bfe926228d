/** Every migration from the version before it, with data in every table: nothing is lost, every reference holds. */
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrate, readMigrations } from '../../main/db/migrate.ts';

const migrations = readMigrations();
type Column = { name: string; type: string; pk: number; dflt_value: string | null; notnull: number };

/** A row of plausible values for any table: the same in each test, so that it can be found again. */
function fill(db: Database.Database, table: string): Record<string, unknown> {
  const columns = db.prepare(`SELECT name, type, pk, dflt_value, "notnull" FROM pragma_table_info('${table}')`).all() as Column[];
  const row = Object.fromEntries(columns.map((c) => [c.name, c.type === 'TEXT' ? (/^(info|config|settings|value|data|changes|filter|content|captions|parts|metadata|tags)$/.test(c.name) ? '{}' : `t-${c.name}`) : c.type === 'BLOB' ? Buffer.from('x') : 1]));
  const names = Object.keys(row);
  db.prepare(`INSERT INTO "${table}" (${names.map((n) => `"${n}"`).join(',')}) VALUES (${names.map(() => '?').join(',')})`).run(...Object.values(row));
  return row;
}
const tables = (db: Database.Database): string[] => (db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE 'CREATE VIRTUAL%'").pluck().all() as string[]).filter((t) => !/_(data|idx|content|docsize|config)$/.test(t));

test.each(migrations.slice(1))('$name keeps what version $version - 1 held', ({ version }) => {
  const db = new Database(':memory:');
  migrate(db, ':memory:', migrations.slice(0, version - 1));
  db.pragma('foreign_keys = OFF');
  const before = new Map(tables(db).map((t) => [t, fill(db, t)]));
  migrate(db, ':memory:', migrations.slice(0, version));
  expect(db.pragma('user_version', { simple: true })).toBe(version);
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  for (const [table, row] of before) {
    if (!tables(db).includes(table)) throw new Error(`${table} is gone: write a test of its own for where its rows went`);
    expect(db.prepare(`SELECT * FROM "${table}"`).get(), table).toMatchObject(row);
  }
  db.close();
});

test('migrating step by step and at once give the same schema', () => {
  const schema = (db: Database.Database): unknown => db.prepare('SELECT type, name, sql FROM sqlite_master ORDER BY name').all();
  const stepwise = new Database(':memory:'), atOnce = new Database(':memory:');
  for (let v = 1; v <= migrations.length; v++) migrate(stepwise, ':memory:', migrations.slice(0, v));
  migrate(atOnce, ':memory:', migrations);
  expect(schema(stepwise)).toEqual(schema(atOnce));
});
