/** Any runs, old ones too, sorted into arms: the baseline (LPL off), its repetition with other seeds (A/A), LPL arms, and others. */
import { AppError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { ArmKind } from './arms.ts';
import { configDifferences, shownValue } from './configDiff.ts';

export interface GivenRun { /** name and folder, whatever the caller knows it by */ name: string; dir: string; config: RunConfig }
export interface GroupedArm { kind: ArmKind; label: string; /** by seed */ runs: GivenRun[] }

/** Settings without what an arm's runs may differ in; switched-off LPL is the same whatever its fields say. */
function armKey({ lpl, samples: _samples, validation: _validation, training, ...rest }: RunConfig): string {
  const { seed: _seed, threads: _threads, checkpointing_steps: _every, checkpoints_total_limit: _limit, ...learnt } = training;
  return JSON.stringify({ ...rest, lpl: lpl.enabled ? lpl : null, learnt });
}

/** Runs of equal settings; a seed that comes twice starts another group. */
function groups(runs: readonly GivenRun[]): GivenRun[][] {
  const out: { key: string; runs: GivenRun[] }[] = [];
  for (const run of runs) {
    const key = armKey(run.config), group = out.find((g) => g.key === key && !g.runs.some((r) => r.config.training.seed === run.config.training.seed));
    if (group) group.runs.push(run); else out.push({ key, runs: [run] });
  }
  return out.map((g) => g.runs.toSorted((a, b) => a.config.training.seed - b.config.training.seed));
}

/** Splits the baseline group: seeds that some other arm has too are its repetitions, the rest is A/A. */
function splitBaseline(baseline: GivenRun[], others: GivenRun[][]): { own: GivenRun[]; aa: GivenRun[] } {
  const seeds = new Set(others.flatMap((g) => g.map((r) => r.config.training.seed)));
  const own = baseline.filter((r) => seeds.has(r.config.training.seed));
  return own.length ? { own, aa: baseline.filter((r) => !own.includes(r)) } : { own: baseline.slice(0, 1), aa: baseline.slice(1) };
}

function label(group: GivenRun[], baseline: GivenRun[]): string {
  const differing = configDifferences([baseline[0]!.config, group[0]!.config]).filter((d) => d.path !== 'training.seed' && d.path !== 'lpl.enabled');
  const name = group[0]!.config.lpl.enabled ? 'LPL' : 'Baseline';
  const told = differing.slice(0, 3).map((d) => `${d.title.toLowerCase()} ${shownValue(d.values[1])}`);
  return told.length ? `${name}, ${told.join(', ')}` : name;
}

/** Labels that come twice are numbered. */
function numbered(arms: GroupedArm[]): GroupedArm[] {
  const seen = new Map<string, number>();
  return arms.map((arm) => {
    const n = (seen.get(arm.label) ?? 0) + 1;
    seen.set(arm.label, n);
    return n > 1 ? { ...arm, label: `${arm.label} (${n})` } : arm;
  });
}

/** The first arm is what the others are measured against. Throws compare.too_few_arms for less than two runs. */
export function groupRuns(runs: readonly GivenRun[]): GroupedArm[] {
  if (runs.length < 2) throw new AppError('compare.too_few_arms', 'A comparison needs at least two runs.', 'Give the folders of two or more runs.');
  const all = groups(runs), first = all.find((g) => !g[0]!.config.lpl.enabled) ?? all[0]!;
  const others = all.filter((g) => g !== first), { own, aa } = splitBaseline(first, others);
  const kindOf = (group: GivenRun[]): ArmKind => (group[0]!.config.lpl.enabled && !own[0]!.config.lpl.enabled ? 'lpl' : 'other');
  return numbered([
    { kind: 'baseline', label: label(own, own), runs: own },
    ...others.map((group): GroupedArm => ({ kind: kindOf(group), label: label(group, own), runs: group })),
    ...(aa.length ? [{ kind: 'aa' as const, label: 'A/A', runs: aa }] : []),
  ]);
}
