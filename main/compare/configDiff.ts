/** What differs between configurations, field by field, in form order and in the form's words. */
import type { ArmKind } from './arms.ts';
import { runConfigFields, type RunConfig } from '../contract/runConfig.ts';

export interface Difference {
  /** "lpl.lpl_weight" */
  path: string;
  title: string;
  /** one value for each configuration */
  values: unknown[];
  /** the difference is what the comparison is about (LPL on or off and how, and the seed of an A/A arm) */
  intended: boolean;
}

const valueAt = (config: RunConfig, path: string): unknown => {
  const [group, key] = path.split('.') as [keyof RunConfig, string];
  return (config[group] as Record<string, unknown>)[key];
};

/** Fields that change what is shown or how fast, and not what is learnt. */
const harmless = /^(samples\.|validation\.|training\.(checkpoint|threads))/;

/** A setting's value in words. */
export const shownValue = (v: unknown): string => (Array.isArray(v) ? v.join(', ') : v === null || v === '' ? 'none' : v === true ? 'on' : v === false ? 'off' : String(v));

/**
 * The fields in which the configurations are not all alike. Sampling, validation and housekeeping fields are left out. `kinds`: of their arms; only
 * an A/A arm means to have another seed, any other one then saw other noise and another order of pictures.
 */
export function configDifferences(configs: readonly RunConfig[], kinds?: readonly ArmKind[]): Difference[] {
  const seedMeant = new Set(configs.filter((_, i) => kinds?.[i] !== 'aa').map((c) => c.training.seed)).size === 1 || !kinds;
  return runConfigFields
    .filter(({ path }) => !harmless.test(path))
    .map(({ path, title, group }) => ({ path, title, values: configs.map((c) => valueAt(c, path)), intended: group === 'lpl' || (path === 'training.seed' && seedMeant) }))
    .filter(({ values }) => new Set(values.map((v) => JSON.stringify(v))).size > 1);
}
