/** Presets: built-in starting points, and a person's own. */
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { Preset, systemMethods } from '../contract/system.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';
import { newId } from '../files/newId.ts';
import { builtinPresets } from './builtinPresets.ts';

type PresetMethods = Pick<Handlers<typeof systemMethods>, 'presets.list' | 'presets.save' | 'presets.delete'>;
interface Row { id: string; name: string; description: string; config: string }

export function createPresets(db: Db): PresetMethods {
  const sql = statements(db);
  const fromRow = (r: Row): Preset => ({ id: r.id, name: r.name, description: r.description, builtin: false, config: JSON.parse(r.config) as Record<string, unknown> });
  const own = (): Preset[] => (sql('SELECT * FROM presets ORDER BY name').all() as Row[]).map(fromRow);
  return {
    'presets.list': () => [...builtinPresets, ...own()],
    'presets.save': ({ name, description, config }) => {
      if (builtinPresets.some((p) => p.name === name)) throw new AppError('preset.builtin', `"${name}" is a built-in preset.`, 'Choose another name.', { name });
      sql('INSERT INTO presets (id, name, description, config, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET description = excluded.description, config = excluded.config')
        .run(newId('pre'), name, description, JSON.stringify(config), Date.now());
      return fromRow(sql('SELECT * FROM presets WHERE name = ?').get(name) as Row);
    },
    'presets.delete': ({ id }) => {
      const { changes } = sql('DELETE FROM presets WHERE id = ?').run(id);
      if (changes === 0) throw new AppError('preset.not_found', 'There is no such preset of your own.', 'Built-in presets cannot be deleted.', { id });
      return { ok: true };
    },
  };
}
