/** The tables of data sets, frozen splits, sidecar backups and versions. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { datasetSettingsSchema, type DatasetSettings, type DatasetVersion } from '../contract/datasets.ts';
import { AppError } from '../contract/errors.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import type { Split } from './model.ts';
import type { ScanNote } from './scan.ts';

export interface DatasetRow { id: string; name: string; source: 'folder' | 'zip' | 'files'; origin: string; root: string; settings: DatasetSettings; notes: ScanNote[]; /** caption columns that its metadata files offer */ columns: string[]; created_at: number; scanned_at: number | null }

type Raw = Omit<DatasetRow, 'settings' | 'notes' | 'columns'> & { settings: string; notes: string; columns: string };
const fromRaw = (r: Raw): DatasetRow => ({ ...r, settings: datasetSettingsSchema.parse(JSON.parse(r.settings)), notes: JSON.parse(r.notes) as ScanNote[], columns: JSON.parse(r.columns) as string[] });

export function createDatasetStore(db: Db) {
  const sql = statements(db);
  return {
    list: (): DatasetRow[] => (sql('SELECT * FROM datasets ORDER BY created_at DESC, rowid DESC').all() as Raw[]).map(fromRaw),
    get(id: string): DatasetRow {
      const row = sql('SELECT * FROM datasets WHERE id = ?').get(id) as Raw | undefined;
      if (!row) throw new AppError('dataset.not_found', `There is no data set ${id}.`, 'Reload the page and choose another.', { id });
      return fromRaw(row);
    },
    /** The data set that a picture belongs to. */
    ofItem: (itemId: number): DatasetRow => fromRaw(sql('SELECT d.* FROM datasets d JOIN dataset_items i ON i.dataset_id = d.id WHERE i.id = ?').get(itemId) as Raw),
    insert(d: DatasetRow): void {
      sql('INSERT INTO datasets (id, name, source, origin, root, settings, notes, columns, created_at, scanned_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
        .run(d.id, d.name, d.source, d.origin, d.root, JSON.stringify(d.settings), JSON.stringify(d.notes), JSON.stringify(d.columns), d.created_at, d.scanned_at);
    },
    update(id: string, changes: Partial<Pick<DatasetRow, 'name' | 'source' | 'origin' | 'root' | 'settings' | 'notes' | 'columns' | 'scanned_at'>>): void {
      for (const [key, value] of Object.entries(changes)) sql(`UPDATE datasets SET ${key} = ? WHERE id = ?`).run(typeof value === 'object' && value !== null ? JSON.stringify(value) : value, id);
    },
    remove: (id: string): void => { sql('DELETE FROM datasets WHERE id = ?').run(id); },

    splits: (id: string): Map<string, Split> => new Map((sql('SELECT content_hash, split FROM dataset_splits WHERE dataset_id = ?').all(id) as { content_hash: string; split: Split }[]).map((r) => [r.content_hash, r.split])),
    setSplit(id: string, hash: string, split: Split): void {
      sql('INSERT INTO dataset_splits (dataset_id, content_hash, split) VALUES (?, ?, ?) ON CONFLICT (dataset_id, content_hash) DO UPDATE SET split = excluded.split').run(id, hash, split);
    },
    clearSplits: (id: string): void => { sql('DELETE FROM dataset_splits WHERE dataset_id = ?').run(id); },

    /** Keeps a sidecar's bytes from before the app first wrote over them. */
    backUpSidecar(id: string, path: string, bytes: Uint8Array): void {
      if (sql('SELECT 1 FROM dataset_sidecar_backups WHERE dataset_id = ? AND path = ?').get(id, path)) return;
      sql('INSERT INTO dataset_sidecar_backups (dataset_id, path, bytes, at) VALUES (?, ?, ?, ?)').run(id, path, bytes, Date.now());
    },

    versions: (id: string): DatasetVersion[] => sql('SELECT id, dataset_id, number, name, hash, items, created_at FROM dataset_versions WHERE dataset_id = ? ORDER BY number DESC').all(id) as DatasetVersion[],
    addVersion(v: DatasetVersion, content: string): void {
      sql('INSERT INTO dataset_versions (id, dataset_id, number, name, hash, items, content, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(v.id, v.dataset_id, v.number, v.name, v.hash, v.items, gzipSync(content), v.created_at);
    },
    version(versionId: string): DatasetVersion & { content: string } {
      const row = sql('SELECT * FROM dataset_versions WHERE id = ?').get(versionId) as (DatasetVersion & { content: Buffer }) | undefined;
      if (!row) throw new AppError('dataset.version_not_found', `There is no version ${versionId} of a data set.`, 'Reload the page and choose another.', { versionId });
      return { ...row, content: gunzipSync(row.content).toString() };
    },
  };
}
export type DatasetStore = ReturnType<typeof createDatasetStore>;
