/** A comparison as windows see it: its arms with the state of their runs, and when the last one will be done. */
import type { Comparison } from '../../contract/compare.ts';
import type { Run } from '../../contract/runs.ts';
import type { ArmRow, ComparisonRow } from './store.ts';
import type { RunsPort } from './ports.ts';

type ArmView = Comparison['arms'][number] & { found: Run[] };

export interface ViewParts { row: ComparisonRow; arms: ArmRow[]; runs: RunsPort; jobId: string | null; evaluatedAt: number | null; /** seconds that a run's processes have worked up to now */ trained: Trained }
export type Trained = (runId: string, now: number) => number;

export function comparisonView({ row, arms, runs, jobId, evaluatedAt, trained }: ViewParts): Comparison {
  const views = arms.map((arm): ArmView => {
    const found = arm.run_ids.flatMap((id) => runs.find(id) ?? []);
    return { id: arm.id, kind: arm.kind, label: arm.label, found, runs: found.map((r) => ({ run_id: r.id, name: r.name, seed: runs.get(r.id).config.training.seed, state: r.state, step: r.step, total_steps: r.total_steps, eta_s: r.eta_s })) };
  });
  const all = views.flatMap((a) => a.found);
  return {
    id: row.id, name: row.name, created_at: row.created_at, arms: views.map(({ found: _found, ...a }) => a), state: stateOf(all),
    done_steps: all.reduce((n, r) => n + r.step, 0), total_steps: all.reduce((n, r) => n + r.total_steps, 0), eta_s: timeLeft(views, trained), extendable: row.config !== null, job_id: jobId, evaluated_at: evaluatedAt,
  };
}

function stateOf(runs: readonly Run[]): Comparison['state'] {
  const has = (...states: Run['state'][]): boolean => runs.some((r) => states.includes(r.state));
  if (has('starting', 'running', 'pausing', 'stopping')) return 'training';
  if (has('queued')) return 'waiting';
  if (runs.length > 0 && runs.every((r) => r.state === 'finished')) return 'trained';
  return runs.every((r) => r.state === 'draft') ? 'draft' : 'stopped';
}

/**
 * Seconds a step, start-up, samples and validation included: of whole runs, those that tell their own time left, and those past a tenth of their
 * steps (before, the start-up is most of it). Null where there is none.
 */
function secondsPerStep(runs: readonly Run[], trained: Trained): number | null {
  const now = Date.now(), known = runs.flatMap((r) => (r.eta_s !== null ? [{ steps: r.total_steps, seconds: trained(r.id, now) + r.eta_s }] : r.step > 0 && r.step >= r.total_steps / 10 ? [{ steps: r.step, seconds: trained(r.id, now) }] : []));
  return known.length ? known.reduce((s, r) => s + r.seconds, 0) / known.reduce((n, r) => n + r.steps, 0) : null;
}

/** A/A trains as the baseline does; arms with LPL take longer. */
const costKind = ({ kind }: ArmView): string => (kind === 'aa' ? 'baseline' : kind);

/**
 * Of the whole comparison: what runs tells its own time; what waits takes as long a step as its arm, else as arms of its kind, else as all that have
 * trained. Null where nothing has trained yet.
 */
function timeLeft(arms: readonly ArmView[], trained: Trained): number | null {
  const left = arms.flatMap((a) => a.found).filter((r) => ['queued', 'starting', 'running', 'pausing'].includes(r.state));
  if (!left.length) return null;
  const pace = (of: readonly ArmView[]): number | null => secondsPerStep(of.flatMap((a) => a.found), trained), overall = pace(arms);
  if (overall === null) return null;
  const paceOf = (arm: ArmView): number => pace([arm]) ?? pace(arms.filter((a) => costKind(a) === costKind(arm))) ?? overall;
  return arms.reduce((sum, arm) => sum + arm.found.filter((r) => left.includes(r)).reduce((s, r) => s + (r.state === 'running' && r.eta_s !== null ? r.eta_s : paceOf(arm) * (r.total_steps - r.step)), 0), 0);
}
