/** The tables of comparisons: arms, their runs, and how long these have worked. */
import type { Emit } from '../../contract/emit.ts';
import { AppError } from '../../contract/errors.ts';
import type { Db } from '../../db/open.ts';
import { statements } from '../../db/statements.ts';
import { newId } from '../../files/newId.ts';
import type { ArmKind } from '../arms.ts';

export interface ComparisonRow { id: string; name: string; config: string | null; seeds: number; created_at: number }
export interface ArmRow { id: string; comparison_id: string; position: number; kind: ArmKind; label: string; run_ids: string[] }
export type NewArm = Pick<ArmRow, 'kind' | 'label' | 'run_ids'> & { id?: string };
export interface NewComparison extends Pick<ComparisonRow, 'name' | 'config' | 'seeds'> { id?: string; created_at?: number; arms: NewArm[] }
export type CompareStore = ReturnType<typeof createCompareStore>;

export function createCompareStore(db: Db, emit: Emit) {
  const sql = statements(db);
  const changed = (id: string | null): void => emit('comparisons.changed', { id });
  const get = (id: string): ComparisonRow => {
    const row = sql('SELECT * FROM comparisons WHERE id = ?').get(id) as ComparisonRow | undefined;
    if (!row) throw new AppError('compare.not_found', `There is no comparison ${id}.`, 'It may have been deleted. Reload the page.', { id });
    return row;
  };
  const runIds = (armId: string): string[] => (sql('SELECT run_id FROM comparison_runs WHERE arm_id = ? ORDER BY position').all(armId) as { run_id: string }[]).map((r) => r.run_id);
  const arms = (id: string): ArmRow[] => (sql('SELECT * FROM comparison_arms WHERE comparison_id = ? ORDER BY position').all(id) as Omit<ArmRow, 'run_ids'>[]).map((a) => ({ ...a, run_ids: runIds(a.id) }));
  const insertArm = (comparisonId: string, arm: NewArm, position: number): void => {
    const id = arm.id ?? newId('arm');
    sql('INSERT INTO comparison_arms (id, comparison_id, position, kind, label) VALUES (?, ?, ?, ?, ?)').run(id, comparisonId, position, arm.kind, arm.label);
    arm.run_ids.forEach((run, i) => sql('INSERT INTO comparison_runs (arm_id, run_id, position) VALUES (?, ?, ?)').run(id, run, i));
  };
  const sessions = sql("SELECT type, at FROM events WHERE run = (SELECT key FROM runs WHERE id = ?) AND type IN ('started', 'finished', 'failed') ORDER BY n");
  return {
    get, arms, changed,
    /** Seconds that the run's processes have worked so far, pauses left out; one that still works counts until `now`. */
    trained(runId: string, now: number): number {
      const events = sessions.all(runId) as { type: string; at: number }[];
      return events.reduce((s, { type, at }, i) => (type === 'started' ? s + ((events[i + 1]?.at ?? now) - at) / 1000 : s), 0);
    },
    list: (): ComparisonRow[] => sql('SELECT * FROM comparisons ORDER BY created_at DESC, rowid DESC').all() as ComparisonRow[],
    find: (id: string): ComparisonRow | undefined => sql('SELECT * FROM comparisons WHERE id = ?').get(id) as ComparisonRow | undefined,
    /** Comparisons that the run belongs to. */
    withRun: (runId: string): string[] => (sql('SELECT DISTINCT a.comparison_id AS id FROM comparison_runs r JOIN comparison_arms a ON a.id = r.arm_id WHERE r.run_id = ?').all(runId) as { id: string }[]).map((r) => r.id),
    create: db.transaction(({ id = newId('cmp'), name, config, seeds, created_at = Date.now(), arms: made }: NewComparison): string => {
      sql('INSERT INTO comparisons (id, name, config, seeds, created_at) VALUES (?, ?, ?, ?, ?)').run(id, name, config, seeds, created_at);
      made.forEach((arm, i) => insertArm(id, arm, i));
      return id;
    }),
    addArm: db.transaction((id: string, arm: NewArm): void => insertArm(id, arm, arms(id).length)),
    rename: (id: string, name: string): void => { sql('UPDATE comparisons SET name = ? WHERE id = ?').run(name, get(id).id); },
    remove: (id: string): void => { sql('DELETE FROM comparisons WHERE id = ?').run(get(id).id); changed(null); },
  };
}
