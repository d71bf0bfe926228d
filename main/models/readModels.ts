/** The list of models that the app keeps, for programs beside it. */
import { openForReading } from '../db/open.ts';

export interface NamedModel { id: string; name: string; path: string }

/** Those in the database at `file`, built-in ones first; none where there is no database or it cannot be read. */
export function readModels(file: string): NamedModel[] {
  const db = openForReading(file);
  try { return (db?.prepare('SELECT id, name, path FROM models ORDER BY builtin DESC, name').all() ?? []) as NamedModel[]; } catch { return []; } finally { db?.close(); }
}
