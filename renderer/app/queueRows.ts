/** The queue as rows: each entry stands for its runs, with the one that trains or comes next. */
import type { QueueEntry, Run } from '../../main/contract/runs.ts';

export interface QueueRow { entry: QueueEntry; /** the one under way, else the next */ run: Run }

const alone = (r: Run): QueueEntry => ({ id: r.id, kind: 'run', name: r.name, state: r.state === 'queued' ? 'waiting' : 'training', part: '', run_ids: [r.id], done_steps: r.step, total_steps: r.total_steps, eta_s: r.eta_s });

/** Entries in order with their runs as they are now; an entry whose runs have all ended meanwhile is left out. Where the queue is not known (null), every run is an entry. */
export function queueRows(entries: readonly QueueEntry[] | null, runs: readonly Run[], isLive: (run: Run) => boolean): QueueRow[] {
  if (!entries) return runs.filter((r) => isLive(r) || r.state === 'queued').map((run) => ({ run, entry: alone(run) }));
  const byId = new Map(runs.map((r) => [r.id, r]));
  return entries.flatMap((entry): QueueRow[] => {
    const own = entry.run_ids.flatMap((id) => byId.get(id) ?? []), run = own.find(isLive) ?? own.find((r) => r.state === 'queued');
    if (!run) return [];
    return [{ run, entry: entry.kind === 'run' ? alone(run) : { ...entry, state: isLive(run) ? 'training' : 'waiting' } }];
  });
}

/** "arm 2 of 3, seed 1 of 3, step 412 of 1,500" */
export const partText = ({ entry, run }: QueueRow, count: (n: number) => string): string => `${entry.part}, step ${count(run.step)} of ${count(run.total_steps)}`;
