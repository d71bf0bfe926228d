/** Why a training process ended without a last word in its journal: from its exit code, signal, last output and the system's memory counters. */
import { readFileSync } from 'node:fs';
import type { AppErrorData } from '../contract/errors.ts';
import type { exitReasons } from '../contract/trainerEvent.ts';

type Reason = (typeof exitReasons)[number];
export interface Ending { code: number | null; signal: NodeJS.Signals | null; /** last output, stderr included */ log: string; /** the system ended a process for memory while this one ran */ oomKilled: boolean }

const texts: Record<Exclude<Reason, 'finished' | 'stopped' | 'paused'>, [message: string, hint: string]> = {
  out_of_memory: ['The training process ran out of memory and was ended.', 'Lower the resolution or the batch size, turn gradient checkpointing on, or store frozen weights in bf16; then resume.'],
  non_finite: ['The loss or the gradients stopped being finite.', 'Lower the learning rate or use fp32, then resume from the last checkpoint.'],
  killed: ['The training process was killed from outside.', 'If it was not you, look at the system\'s log. Resume it: it goes on from its last checkpoint.'],
  disk_full: ['The disk is full.', 'Free some space, then resume: nothing that was saved is lost.'],
  bad_input: ['The training process refused its settings or data.', 'Read the log below, correct the settings, and start again.'],
  bug: ['The training process stopped unexpectedly.', 'Resume it. If it stops again, report it with the log below.'],
};

/** Exit codes that training processes use (engine/run/exitCodes.ts says the same words). */
const byCode = new Map<number, Reason>([[2, 'bad_input'], [12, 'out_of_memory'], [13, 'non_finite'], [14, 'disk_full'], [137, 'killed'], [134, 'bug']]);

/** Tells the reasons apart; the log's last lines are kept in the details. */
export function explainExit({ code, signal, log, oomKilled }: Ending): { reason: Reason; error: AppErrorData } {
  const reason = reasonOf(code, signal, log, oomKilled);
  const [message, hint] = texts[reason];
  const how = signal ? `signal ${signal}` : `exit code ${code}`;
  return { reason, error: { code: `trainer.${reason}`, message: `${message} (${how})`, hint, details: { code, signal, log: log.slice(-4_000) } } };
}

function reasonOf(code: number | null, signal: NodeJS.Signals | null, log: string, oomKilled: boolean): keyof typeof texts {
  if ((signal === 'SIGKILL' || code === 137) && oomKilled) return 'out_of_memory';
  if (/ENOSPC|No space left on device/.test(log)) return 'disk_full';
  if (/std::bad_alloc|Cannot allocate memory|heap out of memory|OOM when allocating|CUDA_ERROR_OUT_OF_MEMORY|Array buffer allocation failed/.test(log)) return 'out_of_memory';
  if (signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP') return 'killed';
  const known = code === null ? undefined : byCode.get(code);
  return known && known in texts ? known as keyof typeof texts : 'bug';
}

/** How many processes the system has ended for memory so far (this cgroup, else the whole machine); 0 where it does not tell. */
export function oomKills(): number {
  const read = (file: string, key: string): number | undefined => {
    try { return Number(new RegExp(`^${key} (\\d+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? NaN); } catch { return undefined; }
  };
  return [read('/sys/fs/cgroup/memory.events', 'oom_kill'), read('/proc/vmstat', 'oom_kill')].find((n) => n !== undefined && Number.isFinite(n)) ?? 0;
}
