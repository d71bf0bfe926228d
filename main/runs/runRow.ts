/** A row of the runs table, and the Run that windows see. */
import { join } from 'node:path';
import type { AppErrorData } from '../contract/errors.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { Run, RunWithConfig } from '../contract/runs.ts';

export interface RunRow {
  key: number; id: string; project_id: string; name: string; notes: string; state: Run['state']; exit_reason: Run['exit_reason']; error: string | null;
  compared_with: string | null; config: string; folder: string; step: number; total_steps: number; stage: string | null;
  eta_s: number | null; images_per_s: number | null; memory_mb: number | null; backend: string | null; device: string | null;
  priority: number; queue_order: number | null; /** the comparison as whose entry it is queued */ queue_group: string | null; pid: number | null; pid_started: string | null; heartbeat_at: number | null;
  created_at: number; started_at: number | null; ended_at: number | null; last_event: number;
}

/** What a run's folder says about it besides the journal: enough to rebuild the row. */
export const runFile = (folder: string): string => join(folder, runFolder.about);

/** States in which a training process is, or should be, there. */
export const liveStates: readonly Run['state'][] = ['starting', 'running', 'pausing', 'stopping'];
export const isLive = (state: Run['state']): boolean => liveStates.includes(state);

export type Configured = Omit<RunWithConfig, 'changed_prompts'>;

/** `position`: place among the waiting runs, from 1. */
export function toRun(r: RunRow, position: number | null): Run {
  const config = JSON.parse(r.config) as RunConfig;
  return {
    id: r.id, project_id: r.project_id, name: r.name, notes: r.notes, state: r.state, exit_reason: r.exit_reason,
    error: r.error === null ? null : JSON.parse(r.error) as AppErrorData, compared_with: r.compared_with, lpl_enabled: config.lpl.enabled,
    step: r.step, total_steps: r.total_steps, stage: r.stage === null ? null : JSON.parse(r.stage) as Run['stage'],
    eta_s: r.eta_s, images_per_s: r.images_per_s, memory_mb: r.memory_mb, backend: r.backend, device: r.device,
    queue_position: position, priority: r.priority, folder: r.folder, created_at: r.created_at, started_at: r.started_at, ended_at: r.ended_at, last_event: r.last_event,
  };
}

export const withConfig = (run: Run, row: RunRow): Configured => ({ ...run, config: JSON.parse(row.config) as RunConfig });
