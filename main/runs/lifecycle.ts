/** The life of a run: queue, start, pause, stop, kill, and what its end means. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Emit } from '../contract/emit.ts';
import { AppError, toAppError } from '../contract/errors.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { Run } from '../contract/runs.ts';
import type { TrainerEvent } from '../contract/trainerEvent.ts';
import { isLive, liveStates, type RunRow } from './runRow.ts';
import type { Recorder } from './recorder.ts';
import type { RunStore } from './store.ts';
import type { TrainerCallbacks, TrainerExit, TrainerPort } from './trainerPort.ts';

export interface LifecycleOptions {
  store: RunStore; emit: Emit;
  recorder: () => Recorder;
  /** processes that may train at the same time */
  parallel: () => number;
  hangMinutes: () => number;
  /** writes config.json and dataset.json into the run's folder */
  prepare: (run: RunRow) => Promise<void>;
  held: { get(): boolean; set(held: boolean): void };
  log: (line: string) => void;
}
export type Lifecycle = ReturnType<typeof createLifecycle>;
const RETRY_MS = 1_000;
const LEAVING_MS = 60_000;
const resumable: readonly Run['state'][] = ['draft', 'paused', 'stopped', 'failed', 'lost'];

const wrongState = (run: Run | RunRow, action: string): AppError =>
  new AppError('run.wrong_state', `"${run.name}" is ${run.state} and cannot be ${action}.`, 'Look at the run\'s state; the page may have been out of date.', { id: run.id, state: run.state });

/** Started anew in an empty folder, a run would count its events from 1 again, and nobody would believe them. */
function folderIsThere(run: RunRow): void {
  if (existsSync(run.last_event === 0 ? run.folder : join(run.folder, runFolder.events))) return;
  throw new AppError('run.folder_gone', `The folder of "${run.name}" is not there any more, or not whole: ${run.folder}.`, 'Put it back (connect the disk that it is on) and try again, or duplicate the run and start the copy.', { id: run.id, folder: run.folder });
}

export function createLifecycle({ store, emit, recorder, parallel, hangMinutes, prepare, held, log }: LifecycleOptions) {
  let trainer: TrainerPort;
  let closed = false;
  let pumping = false;
  /** the process that each live run has now: the late end of an earlier one says nothing about it */
  const current = new Map<string, number>();
  const killed = new Set<string>();
  /** ended by us because they gave no sign of life for so many minutes */
  const hung = new Map<string, number>();

  /** What must be written is tried again every second until it goes through: a full disk or a locked file is over some time. */
  function persist(what: string, work: () => void): void {
    if (closed) return;
    try { work(); } catch (error) {
      log(`${what}: ${(error as Error).message}; trying again`);
      setTimeout(() => persist(what, work), RETRY_MS).unref();
    }
  }
  const live = (): RunRow[] => store.inStates(liveStates);
  const queueChanged = (): void => emit('queue.changed', {});

  /** `group`: the comparison as whose entry it waits. */
  function enqueue(id: string, priority: number, group: string | null = null): Run {
    const run = store.row(id);
    if (run.state === 'queued') return store.update(id, { priority });
    if (!resumable.includes(run.state)) throw wrongState(run, run.state === 'finished' ? 'started again: duplicate it, or raise its steps' : 'started');
    folderIsThere(run);
    const behind = Math.max(0, ...store.waiting().map((r) => r.queue_order!)) + 1;
    current.delete(id);
    store.update(id, { state: 'queued', queue_order: behind, queue_group: group, priority, exit_reason: null, error: null, pid: null });
    if (group !== null && live().some((r) => r.queue_group === group)) goesOn(group);
    queueChanged();
    setImmediate(pump);
    return store.get(id);
  }
  /** Takes a run that waits, or that is still being prepared, off the queue, back to where it came from. */
  function dequeue(run: RunRow): Run {
    const state = run.last_event === 0 ? 'draft' : 'paused';
    const result = store.update(run.id, { state, queue_order: null, queue_group: null, stage: null });
    queueChanged();
    return result;
  }
  /** Starts waiting runs while there is room. */
  async function pump(): Promise<void> {
    if (pumping || closed) return;
    pumping = true;
    try {
      while (!closed && !held.get() && live().length < parallel()) {
        const next = store.waiting()[0];
        if (!next) break;
        await launch(next);
      }
    } catch (error) {
      log(`starting the next run: ${(error as Error).message}; trying again`);
      setTimeout(() => void pump(), RETRY_MS).unref();
    } finally { pumping = false; }
  }
  /** A process that has said its last word still holds the folder while it gives its memory free: resumed at once, the next one waits for it. */
  async function leftAlone(run: RunRow): Promise<void> {
    for (const end = performance.now() + LEAVING_MS; trainer.holder(run.folder) && performance.now() < end;) await new Promise((r) => setTimeout(r, 100));
  }
  async function launch(run: RunRow): Promise<void> {
    store.update(run.id, { state: 'starting', queue_order: null, stage: JSON.stringify({ stage: 'preparing', text: 'Preparing pictures and settings', done: 0, total: 0, eta_s: null, at: Date.now() }), ended_at: null });
    if (run.queue_group !== null) goesOn(run.queue_group);
    queueChanged();
    try {
      await prepare(run);
      await leftAlone(run);
      if (closed) { store.update(run.id, { state: 'queued', queue_order: run.queue_order }); return; }
      if (store.find(run.id)?.state !== 'starting') return; // stopped meanwhile
      if (takeUp(run)) return;
      const identity = trainer.start(run.id, run.folder);
      current.set(run.id, identity.pid);
      store.update(run.id, { pid: identity.pid, pid_started: identity.started, heartbeat_at: Date.now() });
    } catch (error) {
      store.update(run.id, { state: 'failed', exit_reason: 'bad_input', error: JSON.stringify(toAppError(error)), stage: null, ended_at: Date.now() });
      notice(run.id);
    }
  }
  function pause(id: string): Run {
    const run = store.row(id);
    if (run.state === 'queued') return dequeue(run);
    if (run.state === 'pausing') return store.get(id);
    if (run.state !== 'running' && run.state !== 'starting') throw wrongState(run, 'paused');
    if (run.pid === null) return dequeue(run);
    trainer.send(id, { type: 'pause' });
    return store.update(id, { state: 'pausing' });
  }
  function stop(id: string, save: boolean): Run {
    const run = store.row(id);
    if (run.state === 'queued') return dequeue(run);
    if (run.state === 'paused' || run.state === 'lost') return store.update(id, { state: 'stopped', exit_reason: 'stopped' });
    if (!isLive(run.state)) throw wrongState(run, 'stopped');
    if (run.pid === null) return dequeue(run);
    trainer.send(id, { type: 'stop', save });
    return store.update(id, { state: 'stopping' });
  }
  function kill(id: string): Run {
    const run = store.row(id);
    if (!isLive(run.state) || run.pid === null) throw wrongState(run, 'killed');
    killed.add(id);
    trainer.kill(id);
    return store.get(id);
  }
  const exited = (id: string, exit: TrainerExit): void => persist(`the end of run ${id}`, () => {
    if (current.get(id) !== exit.pid || !store.find(id)) return;
    recorder().catchUp(id);
    recorder().flush();
    const run = store.row(id);
    if (isLive(run.state) && takeUp(run)) return;
    // the journal's last word counts more than what the outside can tell
    store.update(id, { ...(isLive(run.state) ? { ...verdict(run, exit), stage: null, eta_s: null, ended_at: Date.now() } : { state: run.state, exit_reason: run.exit_reason, error: run.error }), pid: null });
    for (const known of [killed, hung, current]) known.delete(id);
    notice(id);
    setImmediate(pump);
  });
  /**
   * Follows the process that trains in the run's folder though we do not know it: the core that started it was killed before it could
   * write its number down. False when there is none.
   */
  function takeUp(run: RunRow): boolean {
    const identity = trainer.holder(run.folder);
    if (!identity || !trainer.attach(run.id, run.folder, identity)) return false;
    current.set(run.id, identity.pid);
    store.update(run.id, { pid: identity.pid, pid_started: identity.started, queue_order: null });
    if (killed.has(run.id)) trainer.kill(run.id);
    return true;
  }
  /** The state of a run whose process ended without a last word. */
  function verdict(run: RunRow, exit: TrainerExit): Partial<RunRow> {
    if (killed.has(run.id)) return { state: 'stopped', exit_reason: 'killed', error: null };
    const silentFor = hung.get(run.id);
    const hangs = { code: 'trainer.hung', message: `The training process gave no sign of life for ${Math.round(silentFor ?? 0)} minutes and was ended.`, hint: 'Resume it from its last checkpoint. Allow more time under Settings if its steps take that long.' };
    return { state: 'failed', exit_reason: exit.reason, error: JSON.stringify(silentFor === undefined ? exit.error : hangs) };
  }
  function notice(id: string): void {
    const run = store.get(id);
    const level = run.state === 'failed' || run.state === 'lost' ? 'error' : 'info';
    const text = run.error ? `${run.error.message} ${run.error.hint}` : `Step ${run.step} of ${run.total_steps}.`;
    emit('notice', { level, title: `${run.name}: ${run.state}`, text, run_id: id });
  }
  /** After a start of the core: which runs still train, which ended while nobody watched, which vanished. */
  function reconcile(): void {
    for (const run of live()) {
      const identity = run.pid === null ? null : { pid: run.pid, started: run.pid_started };
      const attached = identity === null ? takeUp(run) : trainer.attach(run.id, run.folder, identity);
      if (attached && identity) current.set(run.id, identity.pid);
      recorder().catchUp(run.id);
      recorder().flush();
      if (attached) continue;
      if (identity === null) { store.update(run.id, { state: 'queued', queue_order: Number.MIN_SAFE_INTEGER + run.key, stage: null }); continue; }
      const now = store.row(run.id);
      if (!isLive(now.state)) { store.update(run.id, { pid: null, state: now.state, exit_reason: now.exit_reason, error: now.error }); continue; }
      const error = { code: 'trainer.vanished', message: `The training process of "${run.name}" ended without a last word while the app was closed (power cut, restart, or killed by the system).`, hint: 'Resume it: it goes on from its last checkpoint.' };
      store.update(run.id, { state: 'lost', exit_reason: 'killed', error: JSON.stringify(error), pid: null, stage: null, eta_s: null, ended_at: now.heartbeat_at });
      notice(run.id);
    }
    setImmediate(pump);
  }
  function silent(id: string, minutes: number): void {
    const run = store.row(id);
    const limit = hangMinutes();
    if (limit === 0 || minutes < limit || !isLive(run.state)) return;
    hung.set(id, minutes);
    trainer.kill(id);
  }
  /** Runs or whole entries (by a comparison's id, or that of any of its runs), first one first. What is left of an entry under way stays in front. */
  function reorder(ids: readonly string[]): void {
    const waiting = store.waiting(), underWay = new Set(live().flatMap((r) => r.queue_group ?? []));
    const named = [...underWay, ...ids].flatMap((id) => waiting.filter((r) => r.id === id || r.queue_group === id || (r.queue_group !== null && r.queue_group === waiting.find((w) => w.id === id)?.queue_group)));
    putInOrder(waiting, [...new Set(named)]);
    queueChanged();
  }
  /** An entry under way is done before anything else starts, also across a restart: its waiting runs go in front. */
  function goesOn(group: string): void {
    const waiting = store.waiting(), own = waiting.filter((r) => r.queue_group === group);
    if (own.some((r, i) => waiting[i] !== r)) putInOrder(waiting, own);
  }
  function putInOrder(waiting: readonly RunRow[], first: readonly RunRow[]): void {
    const top = Math.max(0, ...waiting.map((r) => r.priority));
    [...first, ...waiting.filter((r) => !first.includes(r))].forEach((r, i) => { store.update(r.id, { queue_order: i + 1, priority: first.includes(r) ? top : r.priority }); });
  }
  const callbacks: TrainerCallbacks = {
    events: (id: string, events: readonly TrainerEvent[]) => recorder().ingest(id, events),
    journal: (id) => recorder().catchUp(id),
    exited, silent,
  };
  return {
    callbacks, enqueue, pause, stop, kill, reorder, reconcile, pump,
    use: (port: TrainerPort): void => { trainer = port; },
    send: (id: string, command: Parameters<TrainerPort['send']>[1]): void => {
      const run = store.row(id);
      if (!isLive(run.state) || run.pid === null) throw wrongState(run, 'told anything: it is not training');
      trainer.send(id, command);
    },
    setPriority: (id: string, priority: number): void => { store.update(id, { priority }); queueChanged(); },
    hold: (value: boolean): void => { held.set(value); queueChanged(); setImmediate(pump); },
    close: (): void => { closed = true; trainer.detach(); },
  };
}
