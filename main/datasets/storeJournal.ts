/** The journal of edits: what every change was before and after, so that each can be undone and redone, restarts included. */
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { decisionFields, type Decisions } from './model.ts';
import type { ItemStore } from './storeItems.ts';

export interface Change { itemId: number; changes: Partial<Decisions> }
export interface Edit { id: number; label: string; at: number; undone: number; pictures: number }

/** Older edits than this many are forgotten. */
export const JOURNAL_LENGTH = 500;

export interface Journal {
  /** Applies the changes and writes them down as one step; what was undone before is forgotten. Returns the ids of pictures that really changed. */
  edit(datasetId: string, label: string, changes: readonly Change[]): number[];
  undo(datasetId: string): { label: string; ids: number[] } | undefined;
  redo(datasetId: string): { label: string; ids: number[] } | undefined;
  /** What undo and redo would do. */
  next(datasetId: string): { undo: string | null; redo: string | null };
  history(datasetId: string, limit: number): Edit[];
}

export function createJournal(db: Db, items: ItemStore): Journal {
  const sql = statements(db);
  const newest = (datasetId: string) => sql('SELECT id, label FROM dataset_edits WHERE dataset_id = ? AND undone = 0 ORDER BY id DESC LIMIT 1').get(datasetId) as { id: number; label: string } | undefined;
  const oldestUndone = (datasetId: string) => sql('SELECT id, label FROM dataset_edits WHERE dataset_id = ? AND undone = 1 ORDER BY id LIMIT 1').get(datasetId) as { id: number; label: string } | undefined;

  function write(editId: number, { itemId, changes }: Change): boolean {
    const old = items.decisions(itemId);
    if (!old) return false;
    const real = decisionFields.filter((f) => changes[f] !== undefined && JSON.stringify(changes[f]) !== JSON.stringify(old[f]));
    for (const f of real) sql('INSERT INTO dataset_changes (edit_id, item_id, field, before, after) VALUES (?, ?, ?, ?, ?)').run(editId, itemId, f, JSON.stringify(old[f]), JSON.stringify(changes[f]));
    if (real.length > 0) items.update(itemId, Object.fromEntries(real.map((f) => [f, changes[f]])));
    return real.length > 0;
  }

  function move(edit: { id: number; label: string } | undefined, side: 'before' | 'after'): { label: string; ids: number[] } | undefined {
    if (!edit) return undefined;
    const rows = sql(`SELECT item_id, field, ${side} AS value FROM dataset_changes WHERE edit_id = ?`).all(edit.id) as { item_id: number; field: string; value: string }[];
    for (const r of rows) items.update(r.item_id, { [r.field]: JSON.parse(r.value) as unknown });
    sql('UPDATE dataset_edits SET undone = ? WHERE id = ?').run(side === 'before' ? 1 : 0, edit.id);
    return { label: edit.label, ids: [...new Set(rows.map((r) => r.item_id))] };
  }

  const edit = db.transaction((datasetId: string, label: string, changes: readonly Change[]): number[] => {
    const id = Number(sql('INSERT INTO dataset_edits (dataset_id, label, at) VALUES (?, ?, ?)').run(datasetId, label, Date.now()).lastInsertRowid);
    const changed = changes.filter((c) => write(id, c)).map((c) => c.itemId);
    if (changed.length === 0) { sql('DELETE FROM dataset_edits WHERE id = ?').run(id); return []; }
    sql('DELETE FROM dataset_edits WHERE dataset_id = ? AND undone = 1').run(datasetId);
    sql('DELETE FROM dataset_edits WHERE dataset_id = ? AND id <= (SELECT id FROM dataset_edits WHERE dataset_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)').run(datasetId, datasetId, JOURNAL_LENGTH);
    return changed;
  });

  return {
    edit,
    undo: db.transaction((datasetId: string) => move(newest(datasetId), 'before')),
    redo: db.transaction((datasetId: string) => move(oldestUndone(datasetId), 'after')),
    next: (datasetId) => ({ undo: newest(datasetId)?.label ?? null, redo: oldestUndone(datasetId)?.label ?? null }),
    history: (datasetId, limit) => sql('SELECT e.id, e.label, e.at, e.undone, (SELECT count(DISTINCT item_id) FROM dataset_changes c WHERE c.edit_id = e.id) AS pictures FROM dataset_edits e WHERE e.dataset_id = ? ORDER BY e.id DESC LIMIT ?').all(datasetId, limit) as Edit[],
  };
}
