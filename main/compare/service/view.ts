/** A comparison as windows see it: its arms with the state of their runs, and when the last one will be done. */
import type { Comparison } from '../../contract/compare.ts';
import type { Run } from '../../contract/runs.ts';
import type { ArmRow, ComparisonRow } from './store.ts';
import type { RunsPort } from './ports.ts';

type ArmView = Comparison['arms'][number] & { found: Run[] };

export interface ViewParts { row: ComparisonRow; arms: ArmRow[]; runs: RunsPort; jobId: string | null; evaluatedAt: number | null }

export function comparisonView({ row, arms, runs, jobId, evaluatedAt }: ViewParts): Comparison {
  const views = arms.map((arm): ArmView => {
    const found = arm.run_ids.flatMap((id) => runs.find(id) ?? []);
    return { id: arm.id, kind: arm.kind, label: arm.label, found, runs: found.map((r) => ({ run_id: r.id, name: r.name, seed: runs.get(r.id).config.training.seed, state: r.state, step: r.step, total_steps: r.total_steps, eta_s: r.eta_s })) };
  });
  const all = views.flatMap((a) => a.found);
  return {
    id: row.id, name: row.name, created_at: row.created_at, arms: views.map(({ found: _found, ...a }) => a), state: stateOf(all),
    done_steps: all.reduce((n, r) => n + r.step, 0), total_steps: all.reduce((n, r) => n + r.total_steps, 0), eta_s: timeLeft(views), extendable: row.config !== null, job_id: jobId, evaluated_at: evaluatedAt,
  };
}

function stateOf(runs: readonly Run[]): Comparison['state'] {
  const has = (...states: Run['state'][]): boolean => runs.some((r) => states.includes(r.state));
  if (has('starting', 'running', 'pausing', 'stopping')) return 'training';
  if (has('queued')) return 'waiting';
  if (runs.length > 0 && runs.every((r) => r.state === 'finished')) return 'trained';
  return runs.every((r) => r.state === 'draft') ? 'draft' : 'stopped';
}

/** Seconds a step, start-up included, from the runs of the arm that have trained. */
function secondsPerStep(runs: readonly Run[]): number | null {
  const known = runs.filter((r) => r.step > 0 && r.started_at !== null);
  const seconds = known.reduce((s, r) => s + ((r.ended_at ?? Date.now()) - r.started_at!) / 1000, 0);
  return known.length ? seconds / known.reduce((n, r) => n + r.step, 0) : null;
}

/** Of the whole comparison: what runs tells its own time; what waits takes as long as its arm, else as the others. Null where nothing has trained yet. */
function timeLeft(arms: readonly ArmView[]): number | null {
  const overall = secondsPerStep(arms.flatMap((a) => a.found));
  const waiting = arms.flatMap((arm) => arm.found.filter((r) => r.state === 'queued' || r.state === 'starting').map((r) => (secondsPerStep(arm.found) ?? overall ?? NaN) * (r.total_steps - r.step)));
  const running = arms.flatMap((a) => a.found.filter((r) => r.state === 'running').map((r) => r.eta_s ?? (overall ?? NaN) * (r.total_steps - r.step)));
  const left = [...waiting, ...running].reduce((s, v) => s + v, 0);
  return waiting.length + running.length > 0 && Number.isFinite(left) ? left : null;
}
