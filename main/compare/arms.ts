/**
 * The arms of a comparison: runs that differ only in what is compared. Same base model, pictures, order, noise,
 * timesteps and flips, because all of these follow from the seed; the A/A arm repeats the baseline with another seed and
 * so shows how much two trainings differ by chance alone.
 */
import { AppError } from '../contract/errors.ts';
import { runConfigSchema, type RunConfig } from '../contract/runConfig.ts';

/** `other`: old runs that differ from the baseline in something else than LPL. */
export type ArmKind = 'baseline' | 'lpl' | 'aa' | 'other';
export type PlannedKind = Exclude<ArmKind, 'other'>;
export interface ArmRequest { kind: PlannedKind; label?: string | undefined; /** fields of the lpl group that differ from the base */ lpl?: Partial<RunConfig['lpl']> | undefined }
export interface PlannedRun { seed: number; config: RunConfig }
export interface PlannedArm { kind: ArmKind; label: string; runs: PlannedRun[] }

/** Far from the seeds 0, 1, 2 … that people pick for repetitions. */
const otherSeed = 1_000_003;
const maxSeed = 2 ** 32;

/** The base's seed and those after it. */
export const seedsOf = (base: RunConfig, count: number): number[] => Array.from({ length: count }, (_, i) => (base.training.seed + i) % maxSeed);

function lplLabel(lpl: RunConfig['lpl'], base: RunConfig['lpl']): string {
  const named: [string, unknown, unknown][] = [['weight', lpl.lpl_weight, base.lpl_weight], ['t <', lpl.lpl_t_threshold, base.lpl_t_threshold], ['norm', lpl.lpl_norm_type, base.lpl_norm_type], ['blocks', lpl.lpl_num_blocks, base.lpl_num_blocks]];
  const differing = named.filter(([, a, b]) => a !== b).map(([name, a]) => `${name} ${String(a)}`);
  return differing.length ? `LPL, ${differing.join(', ')}` : 'LPL';
}

function armConfig(base: RunConfig, arm: ArmRequest, seed: number): RunConfig {
  const lpl = arm.kind === 'lpl' ? { ...base.lpl, ...arm.lpl, enabled: true } : { ...base.lpl, enabled: false };
  return runConfigSchema.parse({ ...base, lpl, training: { ...base.training, seed: arm.kind === 'aa' ? (seed + otherSeed) % maxSeed : seed } });
}

/** Every run of a comparison, arm by arm. Throws AppError compare.* when there is nothing to compare or two arms are the same. */
export function planArms(base: RunConfig, requests: readonly ArmRequest[], seedCount: number): PlannedArm[] {
  if (requests.length < 2) throw new AppError('compare.too_few_arms', 'A comparison needs at least two arms.', 'Add an LPL arm, or the A/A arm.');
  if (!requests.some((r) => r.kind === 'baseline')) throw new AppError('compare.no_baseline', 'A comparison needs a baseline arm.', 'Add the baseline: the same run without LPL.');
  const arms = requests.map((arm) => ({
    kind: arm.kind,
    label: arm.label ?? (arm.kind === 'baseline' ? 'Baseline' : arm.kind === 'aa' ? 'A/A' : lplLabel({ ...base.lpl, ...arm.lpl }, base.lpl)),
    runs: seedsOf(base, seedCount).map((seed) => ({ seed, config: armConfig(base, arm, seed) })),
  }));
  const seen = new Map<string, string>();
  for (const { label, runs } of arms) {
    const key = JSON.stringify(runs[0]!.config);
    const twin = seen.get(key);
    if (twin !== undefined) throw new AppError('compare.same_arm', `The arms "${twin}" and "${label}" have the same settings.`, 'Change one of them or take it out.');
    seen.set(key, label);
  }
  return arms;
}
