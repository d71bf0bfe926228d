/** A setting's value as a person reads it: models and data sets by their names. */
import type { FieldInfo } from '../../main/contract/field.ts';
import { shown } from '../ui/configPath.ts';
import { workspace } from './workspace.svelte.ts';

export function shownSetting(value: unknown, field: FieldInfo): string {
  const list = field.path === 'model.base' ? workspace.models.value : /^data\.(prior_)?dataset$/.test(field.path) ? workspace.datasets.value : null;
  return (list as { id: string; name: string }[] | null)?.find((x) => x.id === value)?.name ?? shown(value, field);
}
