/** What every page needs: who answers, the settings, and the lists of runs, models, projects and jobs, kept true by events. */
import type { Run } from '../../main/contract/runs.ts';
import type { Job, Settings } from '../../main/contract/system.ts';
import { call, client } from '../api/api.ts';
import type { ConnectionState } from '../api/client.ts';
import { Resource } from '../api/resource.svelte.ts';
import { queueRows, type QueueRow } from './queueRows.ts';
import { router } from './router.svelte.ts';
import { theme } from './theme.svelte.ts';
import { toasts } from './toasts.svelte.ts';

/** `rows` with `row` in place of the one with its id, or in front. */
export function withRow<T extends { id: string }>(rows: T[], row: T): T[] {
  return rows.some((r) => r.id === row.id) ? rows.map((r) => (r.id === row.id ? row : r)) : [row, ...rows];
}

const liveStates: readonly Run['state'][] = ['starting', 'running', 'pausing', 'stopping'];
/** Has a training process of its own. */
export const isLive = (run: Pick<Run, 'state'>): boolean => liveStates.includes(run.state);

export class Workspace {
  connection: ConnectionState = $state('connecting');
  readonly info = new Resource('system.info', () => ({}));
  readonly settings = new Resource('settings.get', () => ({})).apply('settings.changed', (_old, { settings }) => settings);
  readonly runs = new Resource('runs.list', () => ({}))
    .apply('runs.changed', (rows, { run }) => withRow(rows, run))
    .apply('runs.deleted', (rows, { id }) => rows.filter((r) => r.id !== id))
    .refreshOn('queue.changed'); // the places of those that wait
  readonly queue = new Resource('queue.list', () => ({})).refreshOn('queue.changed');
  readonly models = new Resource('models.list', () => ({})).refreshOn('models.changed');
  readonly datasets = new Resource('datasets.list', () => ({})).refreshOn('datasets.changed');
  readonly comparisons = new Resource('comparisons.list', () => ({})).refreshOn('comparisons.changed');
  readonly projects = new Resource('projects.list', () => ({})).refreshOn('projects.changed');
  readonly jobs = new Resource('jobs.list', () => ({})).apply('jobs.changed', (rows, { job }) => withRow<Job>(rows, job));
  readonly doctor = new Resource('doctor.last', () => ({})).refreshOn('jobs.changed', ({ job }) => job.kind === 'doctor' && job.state === 'done');
  readonly engine: Resource<'engine.get'> = new Resource('engine.get', () => ({})).refreshOn('jobs.changed', ({ job }) => job.kind === 'engine' && (job.state !== 'running' || this.engine.value?.job_id !== job.id));

  readonly liveRun: Run | null = $derived(this.runs.value?.find(isLive) ?? null);
  /** the queue's entries, those that train first; a comparison is one */
  readonly queueRows: QueueRow[] = $derived(queueRows(this.queue.value?.entries ?? null, this.runs.value ?? [], isLive));
  readonly runningJobs: Job[] = $derived((this.jobs.value ?? []).filter((j) => j.state === 'running'));
  readonly shell: boolean = $derived(this.info.value?.shell ?? window.lpl !== undefined); // before the core has answered, the bridge tells

  constructor() {
    client.onState((state) => { this.connection = state; });
    client.on('notice', ({ level, title, text, run_id }) => toasts.show({ level, title, text, ...(run_id ? { action: { title: 'Open run', run: () => router.go(`/runs/${run_id}`) } } : {}) }));
    for (const resource of [this.info, this.settings, this.runs, this.queue, this.models, this.datasets, this.comparisons, this.projects, this.jobs, this.doctor, this.engine]) void resource.refresh();
    client.on('runs.changed', ({ run }) => { if (this.queue.value?.entries.some((e) => e.kind === 'comparison' && e.run_ids.includes(run.id))) this.#askQueueSoon(); });
    $effect.root(() => { $effect(() => { if (this.settings.value) theme.set(this.settings.value.theme); }); });
  }

  #queueTimer: ReturnType<typeof setTimeout> | undefined;
  /** The time left of a comparison is the core's to tell; while it trains it is asked for every other second. */
  #askQueueSoon(): void { this.#queueTimer ??= setTimeout(() => { this.#queueTimer = undefined; void this.queue.refresh(); }, 2_000); }

  async changeSettings(changes: Partial<Settings>): Promise<void> {
    try { this.settings.value = await call('settings.set', { changes }); } catch (error) { toasts.fail(error); }
  }

  /** Keeps a choice of the window itself (an open panel, a size) in the settings. */
  async remember(key: string, value: unknown): Promise<void> {
    await this.changeSettings({ ui: { ...this.settings.value?.ui, [key]: value } });
  }
}

export let workspace: Workspace;
export function openWorkspace(): void { workspace = new Workspace(); }
