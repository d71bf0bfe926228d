/** Prepared statements, and which SQL was slow: windows must never wait for the database. */
import type Database from 'better-sqlite3';
import type { Db } from './open.ts';

export type Statement = Database.Statement<unknown[]>;
interface SlowLog { log: (line: string) => void; limitMs: number }

const slowLogs = new WeakMap<Db, SlowLog>();

/** From now on statements of this database that take longer than `limitMs` are reported. */
export function logSlowQueries(db: Db, log: (line: string) => void, limitMs = 100): void { slowLogs.set(db, { log, limitMs }); }

/** Runs `work` and reports it, as `label`, when it took longer than the database's limit. */
export function timed<T>(db: Db, label: string, work: () => T): T {
  const slow = slowLogs.get(db);
  if (!slow) return work();
  const start = performance.now();
  try { return work(); } finally {
    const ms = performance.now() - start;
    if (ms > slow.limitMs) slow.log(`slow query: ${label.replace(/\s+/g, ' ').slice(0, 300)} took ${Math.round(ms)} ms`);
  }
}

/** The same statement, timed. (Pluck, raw and iterate stay the statement's own.) */
function watched(db: Db, sql: string): Statement {
  const statement = db.prepare<unknown[]>(sql);
  for (const name of ['run', 'get', 'all'] as const) {
    const work = statement[name].bind(statement) as (...args: unknown[]) => never;
    statement[name] = ((...args: unknown[]) => timed(db, sql, () => work(...args))) as never;
  }
  return statement;
}

/** A prepared-statement cache per database: stores prepare where they use. */
export function statements(db: Db): (sql: string) => Statement {
  const cache = new Map<string, Statement>();
  return (sql) => {
    let statement = cache.get(sql);
    if (!statement) cache.set(sql, statement = watched(db, sql));
    return statement;
  };
}
