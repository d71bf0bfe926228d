/** What the runs room asks of whoever runs training processes (main/trainer; a fake in tests). */
import type { AppErrorData } from '../contract/errors.ts';
import type { TrainerCommand, TrainerEvent, exitReasons } from '../contract/trainerEvent.ts';

export interface TrainerPort {
  /** Starts a process on a run's folder; it goes on from the newest checkpoint there. Throws AppError when it cannot. */
  start(runId: string, folder: string): ProcessIdentity;
  /** Takes a process up again that an earlier core started. False when it is gone or is another one with the same number. */
  attach(runId: string, folder: string, identity: ProcessIdentity): boolean;
  /** The process that trains in this folder, whoever started it; null when there is none. */
  holder(folder: string): ProcessIdentity | null;
  send(runId: string, command: TrainerCommand): void;
  kill(runId: string): void;
  /** Lets go of all processes without ending them. */
  detach(): void;
}
/** A pid alone may be reused; with its start time it is unique. */
export interface ProcessIdentity { pid: number; started: string | null }

export interface TrainerCallbacks {
  events(runId: string, events: readonly TrainerEvent[]): void;
  /** something may have been added to the journal */
  journal(runId: string): void;
  exited(runId: string, exit: TrainerExit): void;
  /** no sign of life for this long */
  silent(runId: string, minutes: number): void;
}
/** How a process ended, as far as the outside can tell; its journal may know better. */
export interface TrainerExit { /** of the process that ended */ pid: number; reason: (typeof exitReasons)[number]; error: AppErrorData }
