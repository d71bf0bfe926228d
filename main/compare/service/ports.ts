/** What comparisons need of the other rooms. */
import type { Run, RunWithConfig } from '../../contract/runs.ts';
import type { Sample } from '../../contract/runData.ts';
import type { Job } from '../../contract/system.ts';
import type { SeriesOf } from './curveData.ts';

export interface RunsPort {
  get(id: string): Omit<RunWithConfig, 'changed_prompts'>;
  find(id: string): Run | undefined;
  create(run: { name: string; config: Record<string, unknown>; project_id?: string | undefined; compared_with: string | null }): Promise<{ id: string }>;
  /** `comparison`: as whose entry of the queue it waits */
  start(id: string, comparison: string): Promise<unknown>;
  pause(id: string): unknown;
  stop(id: string, save: boolean): unknown;
  remove(id: string): unknown;
  samples(id: string): Sample[];
  series: SeriesOf;
}

export interface JobsPort {
  start(kind: string, title: string, work: (job: { signal: AbortSignal; progress(text: string, done: number, total: number): void }) => Promise<unknown>): Job;
}

/** Runs `lpl` with these arguments in a child; every JSON line it prints is told. Throws the AppError it ended with. */
export type RunCli = (args: string[], signal: AbortSignal, onLine: (line: unknown) => void) => Promise<unknown>;
