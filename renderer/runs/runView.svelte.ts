/** What the page of one run follows: the run, its pictures, checkpoints, exports and journal. */
import type { TrainerEvent } from '../../main/contract/trainerEvent.ts';
import { Resource } from '../api/resource.svelte.ts';
import type { JournalEvent } from './eventText.ts';

function asJournal(event: TrainerEvent): JournalEvent {
  const { n, at, type, ...data } = event;
  return { n, at, type, data };
}
const kept = (events: readonly TrainerEvent[]): JournalEvent[] => events.filter((e) => e.type !== 'step' && e.type !== 'stage').map(asJournal);

export class RunView {
  readonly run;
  readonly samples;
  readonly checkpoints;
  readonly exports;
  readonly events;
  readonly #all: Resource<never>[];

  constructor(id: string) {
    const has = (type: TrainerEvent['type']) => ({ events }: { events: TrainerEvent[] }): boolean => events.some((e) => e.type === type);
    const mine = { run_id: id };
    this.run = new Resource('runs.get', () => ({ id })).apply('runs.changed', (old, { run }) => (run.id === id ? { ...old, ...run } : old));
    this.samples = new Resource('samples.list', () => mine).refreshOn('run.events', has('sample'), id);
    this.checkpoints = new Resource('checkpoints.list', () => mine).refreshOn('run.events', has('checkpoint'), id);
    this.exports = new Resource('exports.list', () => mine).refreshOn('run.events', has('export'), id).refreshOn('jobs.changed', ({ job }) => job.kind === 'export' && job.state === 'done');
    this.events = new Resource('runs.events', () => ({ id, limit: 5_000 })).apply('run.events', (old, { events }) => {
      const last = old.at(-1)?.n ?? 0;
      const fresh = kept(events).filter((e) => e.n > last);
      return fresh.length > 0 ? [...old, ...fresh] : old;
    }, id);
    this.#all = [this.run, this.samples, this.checkpoints, this.exports, this.events] as unknown as Resource<never>[];
    for (const resource of this.#all) void resource.refresh();
  }

  end(): void { for (const resource of this.#all) resource.end(); }
}
