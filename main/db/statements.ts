/** Prepared statements, and which SQL was slow: windows must never wait for the database. */
import type Database from 'better-sqlite3';
import type { Db } from './open.ts';

export type Statement = Database.Statement<unknown[]>;

/** Runs `work` and reports it when it took longer than `limitMs`. */
export function timed<T>(label: string, work: () => T, log: (line: string) => void, limitMs = 100): T {
  const start = performance.now();
  try { return work(); } finally {
    const ms = performance.now() - start;
    if (ms > limitMs) log(`slow query: ${label} took ${Math.round(ms)} ms`);
  }
}

/** A prepared-statement cache per database: stores prepare where they use. */
export function statements(db: Db): (sql: string) => Statement {
  const cache = new Map<string, Statement>();
  return (sql) => {
    let statement = cache.get(sql);
    if (!statement) cache.set(sql, statement = db.prepare<unknown[]>(sql));
    return statement;
  };
}
