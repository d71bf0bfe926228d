/** The table of pictures. */
import type { Db } from '../db/open.ts';
import { statements, type Statement } from '../db/statements.ts';
import { decisionFields, type Decisions, type Item } from './model.ts';

/** Columns by the item's keys; JSON and boolean columns are converted. */
const columns: Record<keyof Item, string> = {
  id: 'id', file: 'file', bytes: 'bytes', mtimeMs: 'mtime_ms', contentHash: 'content_hash', format: 'format', width: 'width', height: 'height',
  orientation: 'orientation', alpha: 'alpha', profile: 'profile', animated: 'animated', sharpness: 'sharpness', flatness: 'flatness',
  problemCode: 'problem_code', problem: 'problem', duplicateOf: 'duplicate_of', nearGroup: 'near_group', diskCaptions: 'disk_captions',
  captionSource: 'caption_source', sidecar: 'sidecar', sidecarHash: 'sidecar_hash', captionNote: 'caption_note', conflictCaptions: 'conflict_captions',
  conflictHash: 'conflict_hash', tokens: 'tokens', captions: 'captions', excluded: 'excluded', excludedReason: 'excluded_reason', repeats: 'repeats',
  classTokens: 'class_tokens', prior: 'prior', weight: 'weight', flip: 'flip', crop: 'crop', split: 'split',
};
const json = new Set<string>(['diskCaptions', 'conflictCaptions', 'captions', 'crop']);
const booleans = new Set<string>(['alpha', 'animated', 'excluded', 'prior', 'flip']);

type Cell = string | number | null;
const toCell = (key: string, value: unknown): Cell => (booleans.has(key) ? (value ? 1 : 0) : json.has(key) && value !== null ? JSON.stringify(value) : value as Cell);
const fromCell = (key: string, cell: Cell): unknown => (booleans.has(key) ? cell === 1 : json.has(key) && cell !== null ? JSON.parse(cell as string) : cell);

const keys = Object.keys(columns) as (keyof Item)[];
const selected = keys.map((k) => columns[k]).join(', ');

const decided = decisionFields.map((f) => columns[f]).join(', ');

function fromRow(cells: Cell[]): Item {
  const item: Record<string, unknown> = {};
  for (let i = 0; i < keys.length; i++) item[keys[i]!] = fromCell(keys[i]!, cells[i]!);
  return item as unknown as Item;
}

export interface ItemCounts { pictures: number; included: number; excluded: number; unreadable: number; validation: number; unsaved: number; conflicts: number }

export interface ItemStore {
  /** How many pictures there are of each kind, without reading them. */
  counts(datasetId: string): ItemCounts;
  /** All pictures of a data set by file name. */
  all(datasetId: string): Item[];
  one(id: number): Item | undefined;
  /** Only what a person decided: cheaper. */
  decisions(id: number): Decisions | undefined;
  /** Adds a picture with default decisions for the keys that are not given; returns its id. */
  insert(datasetId: string, item: Partial<Item> & { file: string }): number;
  update(id: number, changes: Partial<Item>): void;
  remove(id: number): void;
  signature(id: number): Uint8Array | undefined;
  setSignature(id: number, thumbs: Uint8Array): void;
}

export function createItemStore(db: Db): ItemStore {
  const sql = statements(db);
  const raw = (text: string): Statement => sql(text).raw();
  return {
    counts: (datasetId) => sql(`SELECT count(*) AS pictures, coalesce(sum(excluded = 0 AND width IS NOT NULL), 0) AS included, coalesce(sum(excluded), 0) AS excluded,
      coalesce(sum(excluded = 0 AND width IS NULL), 0) AS unreadable, coalesce(sum(excluded = 0 AND width IS NOT NULL AND split = 'validation'), 0) AS validation,
      coalesce(sum(captions <> disk_captions), 0) AS unsaved, coalesce(sum(conflict_captions IS NOT NULL), 0) AS conflicts FROM dataset_items WHERE dataset_id = ?`).get(datasetId) as ItemCounts,
    all: (datasetId) => (raw(`SELECT ${selected} FROM dataset_items WHERE dataset_id = ? ORDER BY file`).all(datasetId) as Cell[][]).map(fromRow),
    one(id) {
      const cells = raw(`SELECT ${selected} FROM dataset_items WHERE id = ?`).get(id) as Cell[] | undefined;
      return cells && fromRow(cells);
    },
    decisions(id) {
      const cells = raw(`SELECT ${decided} FROM dataset_items WHERE id = ?`).get(id) as Cell[] | undefined;
      return cells && Object.fromEntries(decisionFields.map((f, i) => [f, fromCell(f, cells[i]!)])) as unknown as Decisions;
    },
    insert(datasetId, item) {
      const given = keys.filter((k) => item[k] !== undefined);
      const result = sql(`INSERT INTO dataset_items (dataset_id, ${given.map((k) => columns[k]).join(', ')}) VALUES (?${', ?'.repeat(given.length)})`).run(datasetId, ...given.map((k) => toCell(k, item[k])));
      return Number(result.lastInsertRowid);
    },
    update(id, changes) {
      const given = keys.filter((k) => k !== 'id' && changes[k] !== undefined);
      if (given.length > 0) sql(`UPDATE dataset_items SET ${given.map((k) => `${columns[k]} = ?`).join(', ')} WHERE id = ?`).run(...given.map((k) => toCell(k, changes[k])), id);
    },
    remove: (id) => { sql('DELETE FROM dataset_items WHERE id = ?').run(id); },
    signature: (id) => (sql('SELECT thumbs FROM dataset_signatures WHERE item_id = ?').get(id) as { thumbs: Buffer } | undefined)?.thumbs,
    setSignature: (id, thumbs) => { sql('INSERT INTO dataset_signatures (item_id, thumbs) VALUES (?, ?) ON CONFLICT (item_id) DO UPDATE SET thumbs = excluded.thumbs').run(id, thumbs); },
  };
}
