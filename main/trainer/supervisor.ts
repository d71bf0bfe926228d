/**
 * The supervisor: starts training processes, listens to them, tells them things, sees them end, and finds them again.
 *
 * A training process is a Node of its own, detached, with its output in log.txt: it lives on when the app goes. While
 * it is our child, events and commands go over IPC; after a restart of the core they go through the journal and
 * commands.jsonl in its folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { TrainerCommand, TrainerEvent, exitReasons } from '../contract/trainerEvent.ts';
import type { AppErrorData } from '../contract/errors.ts';
import { appendCommand } from './commandFile.ts';
import { lockHolder } from './lockHolder.ts';
import { explainExit, oomKills } from './exitReason.ts';
import { isSame, startTime } from '../files/processIdentity.ts';
import { readTail } from '../files/readTail.ts';

export interface Identity { pid: number; started: string | null }
export interface SupervisorCallbacks {
  events(runId: string, events: readonly TrainerEvent[]): void;
  journal(runId: string): void;
  exited(runId: string, exit: { pid: number; reason: (typeof exitReasons)[number]; error: AppErrorData }): void;
  silent(runId: string, minutes: number): void;
}
export interface SupervisorOptions {
  /** the Node that runs training processes */
  node: string;
  /** arguments before the run's folder: the entry file */
  args: string[];
  env?: NodeJS.ProcessEnv;
  /** checks an IPC message; [] when it is not an event */
  parse: (message: unknown) => TrainerEvent[];
  callbacks: SupervisorCallbacks;
  watchMs?: number;
}
interface Watched { folder: string; identity: Identity; child: ChildProcess | null; oomBefore: number; lastSign: number; journalSize: number }

export function createSupervisor({ node, args, env, parse, callbacks, watchMs = 500 }: SupervisorOptions) {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;

  function start(runId: string, folder: string): Identity {
    mkdirSync(folder, { recursive: true });
    const log = openSync(join(folder, runFolder.log), 'a');
    const oomBefore = oomKills();
    let child: ChildProcess;
    try {
      child = spawn(node, [...args, folder], { cwd: folder, detached: true, stdio: ['ignore', log, log, 'ipc'], env: { MALLOC_ARENA_MAX: '2', ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', ...env } }); // MALLOC_ARENA_MAX: see scripts/node24.mjs
    } finally { closeSync(log); }
    if (child.pid === undefined) {
      child.on('error', () => undefined);
      throw new AppError('trainer.cannot_start', `The training process could not be started with ${node}.`, 'Run "npm run lpl -- doctor"; install again if it says so.', { node });
    }
    const identity = { pid: child.pid, started: startTime(child.pid) };
    const entry = watch(runId, { folder, identity, child, oomBefore, lastSign: performance.now(), journalSize: -1 });
    child.on('message', (message) => {
      entry.lastSign = performance.now();
      const events = parse(message);
      if (events.length > 0) callbacks.events(runId, events);
    });
    child.on('error', () => undefined); // sending to a process that has just ended
    child.on('exit', (code, signal) => ended(runId, entry, code, signal));
    child.unref();
    return identity;
  }
  function attach(runId: string, folder: string, identity: Identity): boolean {
    if (!isSame(identity.pid, identity.started)) return false;
    watch(runId, { folder, identity, child: null, oomBefore: oomKills(), lastSign: performance.now(), journalSize: -1 });
    return true;
  }
  function watch(runId: string, entry: Watched): Watched {
    watched.set(runId, entry);
    timer ??= setInterval(look, watchMs).unref();
    return entry;
  }
  /** Journals of processes that are not our children, signs of life, and ends that nobody told us of. */
  function look(): void {
    for (const [runId, entry] of watched) {
      const size = journalSize(entry.folder);
      if (size !== entry.journalSize) {
        entry.journalSize = size;
        entry.lastSign = performance.now();
        if (!entry.child) callbacks.journal(runId);
      }
      const minutes = (performance.now() - entry.lastSign) / 60_000;
      if (minutes > 0.02) callbacks.silent(runId, minutes);
      if (!entry.child && !isSame(entry.identity.pid, entry.identity.started)) ended(runId, entry, null, null);
    }
  }
  function ended(runId: string, entry: Watched, code: number | null, signal: NodeJS.Signals | null): void {
    if (watched.get(runId) !== entry) return;
    watched.delete(runId);
    if (watched.size === 0) { clearInterval(timer); timer = undefined; }
    const log = readTail(join(entry.folder, runFolder.log), 16_384).text;
    callbacks.exited(runId, { pid: entry.identity.pid, ...explainExit({ code, signal, log, oomKilled: oomKills() > entry.oomBefore }) });
  }
  function send(runId: string, command: TrainerCommand): void {
    const entry = watched.get(runId);
    if (!entry) throw new AppError('trainer.not_running', 'The training process has just ended.', 'Reload the page to see how.', { runId });
    if (entry.child?.connected) entry.child.send(command, () => undefined);
    else appendCommand(entry.folder, command);
  }
  /** SIGKILL: nothing is saved. */
  function kill(runId: string): void {
    const entry = watched.get(runId);
    if (entry && isSame(entry.identity.pid, entry.identity.started)) process.kill(entry.identity.pid, 'SIGKILL');
  }
  function detach(): void {
    clearInterval(timer);
    timer = undefined;
    for (const { child } of watched.values()) {
      child?.removeAllListeners();
      child?.on('error', () => undefined);
      if (child?.connected) child.disconnect();
    }
    watched.clear();
  }
  return { start, attach, holder: lockHolder, send, kill, detach };
}

function journalSize(folder: string): number {
  try { return statSync(join(folder, runFolder.events)).size; } catch { return 0; }
}
