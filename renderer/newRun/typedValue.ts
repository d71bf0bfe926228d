/** Between what is typed into a box and the value in the configuration. */
import type { FieldInfo } from '../../main/contract/field.ts';

/** The value as it stands in the box. */
export function typed(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential().replace('e-', 'e-');
  return String(value);
}

/** What was typed as a value; text that is no number stays text, so that the schema says what is wrong with it. */
export function parseTyped(text: string, field: Pick<FieldInfo, 'kind' | 'nullable'>): unknown {
  const trimmed = text.trim();
  if (field.kind === 'text') return trimmed === '' && field.nullable ? null : text;
  if (field.kind === 'numbers') return trimmed === '' ? [] : trimmed.split(/[\s,;]+/).map(asNumber);
  return trimmed === '' ? (field.nullable ? null : '') : asNumber(trimmed);
}

/** "0,5" is understood as 0.5, "1e-4" and "1E-4" as they are. */
function asNumber(text: string): number | string {
  const n = Number(text.replace('−', '-').replace(/^(-?\d+),(\d+)$/, '$1.$2'));
  return Number.isNaN(n) ? text : n;
}
