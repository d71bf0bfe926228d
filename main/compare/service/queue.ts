/** A comparison in the queue: all of its runs start, pause and stop as one, and are told as one entry with one time left. */
import type { Comparison } from '../../contract/compare.ts';
import { AppError } from '../../contract/errors.ts';
import type { QueueEntry, Run } from '../../contract/runs.ts';
import type { RunsPort } from './ports.ts';
import type { CompareStore } from './store.ts';

const startable: readonly Run['state'][] = ['draft', 'paused', 'stopped', 'failed', 'lost'];
const live: readonly Run['state'][] = ['starting', 'running', 'pausing', 'stopping'];
export type Described = Pick<QueueEntry, 'name' | 'part' | 'done_steps' | 'total_steps' | 'eta_s'>;

export function comparisonQueue(store: CompareStore, runs: RunsPort) {
  const own = (id: string): Run[] => store.arms(store.get(id).id).flatMap((a) => a.run_ids).flatMap((r) => runs.find(r) ?? []);
  /** Those that wait first, so that none of them starts when the one under way ends. */
  const each = async (id: string, end: (run: Run) => unknown): Promise<void> => {
    const all = own(id);
    for (const run of [...all.filter((r) => r.state === 'queued'), ...all.filter((r) => r.state === 'running' || r.state === 'starting')]) await end(run);
  };
  return {
    async start(id: string): Promise<void> { for (const run of own(id)) if (startable.includes(run.state)) await runs.start(run.id, id); },
    pause: (id: string): Promise<void> => each(id, (run) => runs.pause(run.id)),
    stop: (id: string, save: boolean): Promise<void> => each(id, (run) => runs.stop(run.id, save)),
    /** Throws run.live while one of its runs trains. */
    refuseLive(id: string): void {
      const training = own(id).find((r) => live.includes(r.state));
      if (training) throw new AppError('run.live', `"${training.name}" is ${training.state}.`, 'Pause or stop the comparison first.', { id });
    },
  };
}

/** The entry's words and numbers: where it stands is the run under way, else the first that waits. */
export function describeComparison({ name, arms, done_steps, total_steps, eta_s }: Comparison): Described {
  const at = (states: readonly string[]) => arms.flatMap((arm, a) => arm.runs.flatMap((run, r) => (states.includes(run.state) ? [{ a, r, seeds: arm.runs.length }] : [])))[0];
  const now = at(live) ?? at(['queued']);
  return { name, part: now ? `arm ${now.a + 1} of ${arms.length}, seed ${now.r + 1} of ${now.seeds}` : '', done_steps, total_steps, eta_s };
}
