/** Models: the table of known models and the contract's methods on it. Files stay where they are. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { Model, modelMethods } from '../contract/models.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { newId } from '../files/newId.ts';

/** What looking at the files tells. */
export type Inspection = Pick<Model, 'kind' | 'architecture' | 'architecture_title' | 'latent_channels' | 'resolution' | 'prediction_type' | 'components' | 'problems' | 'bytes'> & { suggested_name: string };
export interface ModelInspector {
  /** Reads headers and configs. Throws AppError model.*, file.* for what cannot be used at all. */
  inspect(path: string): Promise<Inspection>;
  /** SHA-256 over all weights. */
  hash(path: string): Promise<string>;
}
interface Row { id: string; name: string; path: string; info: string; sha256: string | null; builtin: number; added_at: number }

export interface ModelStore {
  handlers: Handlers<typeof modelMethods>;
  /** A model by id or path; undefined when it is neither known nor there. */
  find(idOrPath: string): Model | undefined;
  /** Makes sure that a model of the app's own is listed. */
  addBuiltin(id: string, path: string, name: string): Promise<void>;
}

export function createModelStore(db: Db, inspector: ModelInspector, emit: Emit): ModelStore {
  const sql = statements(db);
  const fromRow = (r: Row): Model => ({ ...(JSON.parse(r.info) as Inspection), id: r.id, name: r.name, path: r.path, sha256: r.sha256, builtin: r.builtin === 1, available: existsSync(r.path), added_at: r.added_at });
  const row = (id: string): Row => {
    const found = sql('SELECT * FROM models WHERE id = ?').get(id) as Row | undefined;
    if (!found) throw new AppError('model.not_found', `There is no model ${id}.`, 'Add it on the Models page.', { id });
    return found;
  };
  const get = (id: string): Model => fromRow(row(id));
  const put = (id: string, name: string, path: string, info: Inspection, builtin: boolean): void => {
    sql('INSERT INTO models (id, name, path, info, builtin, added_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET path = excluded.path, info = excluded.info, name = excluded.name')
      .run(id, name, path, JSON.stringify(info), builtin ? 1 : 0, Date.now());
    emit('models.changed', {});
  };
  const hashLater = (id: string, path: string): void => {
    inspector.hash(path).then((sha256) => {
      sql('UPDATE models SET sha256 = ? WHERE id = ? AND path = ?').run(sha256, id, path);
      emit('models.changed', {});
    }).catch(() => undefined); // problems of the files show in inspect; a hash that cannot be had stays empty
  };
  const find = (idOrPath: string): Model | undefined => {
    const found = sql('SELECT * FROM models WHERE id = @it OR path = @it').get({ it: idOrPath }) as Row | undefined;
    return found && fromRow(found);
  };
  const handlers: Handlers<typeof modelMethods> = {
    'models.list': () => (sql('SELECT * FROM models ORDER BY builtin DESC, added_at DESC').all() as Row[]).map(fromRow),
    'models.get': ({ id }) => get(id),
    'models.inspect': async ({ path }) => {
      const full = resolve(path);
      const { suggested_name, ...info } = await inspector.inspect(full);
      return { ...info, name: suggested_name, path: full, sha256: null, builtin: false, available: true };
    },
    'models.add': async ({ path, name }) => {
      const full = resolve(path);
      const known = find(full);
      const info = await inspector.inspect(full);
      const id = known?.id ?? newId('mdl');
      put(id, name || known?.name || info.suggested_name, full, info, known?.builtin ?? false);
      hashLater(id, full);
      return get(id);
    },
    'models.rename': ({ id, name }) => {
      sql('UPDATE models SET name = ? WHERE id = ?').run(name, row(id).id);
      emit('models.changed', {});
      return get(id);
    },
    'models.refresh': async ({ id }) => {
      const model = row(id);
      put(id, model.name, model.path, await inspector.inspect(model.path), model.builtin === 1);
      hashLater(id, model.path);
      return get(id);
    },
    'models.remove': ({ id }) => {
      const model = row(id);
      if (model.builtin) throw new AppError('model.builtin', `"${model.name}" comes with the app.`, 'Built-in models stay on the list.', { id });
      sql('DELETE FROM models WHERE id = ?').run(id);
      emit('models.changed', {});
      return { ok: true };
    },
  };
  return {
    handlers, find,
    async addBuiltin(id, path, name) {
      const known = sql('SELECT * FROM models WHERE id = ?').get(id) as Row | undefined;
      if (known?.path === path && known.name === name) return;
      put(id, name, path, await inspector.inspect(path), true);
      hashLater(id, path);
    },
  };
}
