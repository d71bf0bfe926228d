/** Reading and writing one setting of a configuration by its path, "lpl.lpl_weight". */
import type { FieldInfo } from '../../main/contract/field.ts';
import { number } from './format.ts';

export type Loose = Record<string, unknown>;
const isGroup = (v: unknown): v is Loose => typeof v === 'object' && v !== null && !Array.isArray(v);

export function getPath(config: unknown, path: string): unknown {
  let at: unknown = config;
  for (const key of path.split('.')) at = isGroup(at) ? at[key] : undefined;
  return at;
}

/** A copy of `config` with one setting changed; `undefined` takes it out, so that the default holds. */
export function setPath(config: Loose, path: string, value: unknown): Loose {
  const [group = '', key = ''] = path.split('.');
  const inner: Loose = { ...(isGroup(config[group]) ? config[group] : {}) };
  if (value === undefined) delete inner[key]; else inner[key] = value;
  return { ...config, [group]: inner };
}

/** `over` laid on `base`, group by group. */
export function mergeConfig(base: Loose, over: Loose): Loose {
  const result: Loose = { ...base };
  for (const [group, value] of Object.entries(over)) result[group] = isGroup(value) && isGroup(result[group]) ? { ...result[group], ...value } : value;
  return result;
}

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A value as a person reads it, with its unit. */
export function shown(value: unknown, field?: Pick<FieldInfo, 'unit' | 'choiceTitles'>): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(' · ');
  if (typeof value === 'number') return `${Math.abs(value) >= 1e-3 && !Number.isInteger(value) ? String(value) : number(value)}${field?.unit ? ` ${field.unit}` : ''}`;
  return field?.choiceTitles?.[String(value)] ?? String(value);
}
