/** The queue as people see it: a run by itself is an entry, and so are all runs of a comparison together. */
import type { QueueEntry } from '../contract/runs.ts';
import { isLive, type RunRow } from './runRow.ts';

/** What a comparison says about its runs as one entry; null where there is no such comparison (any more). */
export type DescribeGroup = (group: string) => Pick<QueueEntry, 'name' | 'part' | 'done_steps' | 'total_steps' | 'eta_s'> | null;

type Grouped = Pick<RunRow, 'id' | 'queue_group'>;
const entryOf = (r: Grouped): string => r.queue_group ?? r.id;

/** Runs in queue order, those of an entry brought together where its first one stands. */
export const byEntry = <T extends Grouped>(rows: readonly T[]): T[] => [...Map.groupBy(rows, entryOf).values()].flat();

/** `rows`: what trains, then what waits, in order. */
export function queueEntries(rows: readonly RunRow[], describe: DescribeGroup): QueueEntry[] {
  return [...Map.groupBy(rows, entryOf)].flatMap(([id, own]): QueueEntry[] => {
    const group = own[0]!.queue_group === null ? null : describe(id);
    return group ? [{ id, kind: 'comparison', state: stateOf(own), run_ids: own.map((r) => r.id), ...group }] : own.map(alone);
  });
}

const stateOf = (rows: readonly RunRow[]): QueueEntry['state'] => (rows.some((r) => isLive(r.state)) ? 'training' : 'waiting');
const alone = (r: RunRow): QueueEntry => ({ id: r.id, kind: 'run', state: stateOf([r]), run_ids: [r.id], name: r.name, part: '', done_steps: r.step, total_steps: r.total_steps, eta_s: r.eta_s });
