/** Settings: one row a key; values that a newer or older app left behind fall back to their defaults. */
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import { settingsSchema, type Settings } from '../contract/system.ts';
import type { Db } from '../db/open.ts';
import { statements } from '../db/statements.ts';

export interface SettingsStore {
  get(): Settings;
  /** Throws settings.invalid with the field named; nothing is changed then. */
  set(changes: Record<string, unknown>): Settings;
}

export function createSettings(db: Db, emit: Emit): SettingsStore {
  const sql = statements(db);
  const read = (): Settings => {
    const result: Record<string, unknown> = settingsSchema.parse({});
    for (const { key, value } of sql('SELECT key, value FROM settings').all() as { key: string; value: string }[]) {
      const known = Object.hasOwn(settingsSchema.shape, key) ? settingsSchema.shape[key as keyof Settings].safeParse(JSON.parse(value)) : undefined;
      if (known?.success) result[key] = known.data;
    }
    return result as Settings;
  };
  let current = read();
  return {
    get: () => current,
    set(changes) {
      const parsed = settingsSchema.safeParse({ ...current, ...changes });
      if (!parsed.success) {
        const text = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
        throw new AppError('settings.invalid', `These settings cannot be kept: ${text}`, 'Correct the values named.', {});
      }
      const put = sql('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value');
      db.transaction(() => { for (const key of Object.keys(changes)) put.run(key, JSON.stringify(parsed.data[key as keyof Settings])); })();
      current = parsed.data;
      emit('settings.changed', { settings: current });
      return current;
    },
  };
}
