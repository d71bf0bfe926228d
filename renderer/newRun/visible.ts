/** Which fields make sense with the others as they are. */
import type { FieldInfo } from '../../main/contract/field.ts';
import { getPath } from '../ui/configPath.ts';

export const isVisible = (field: FieldInfo, config: unknown): boolean =>
  Object.entries(field.when ?? {}).every(([path, values]) => values.includes(getPath(config, path)));
