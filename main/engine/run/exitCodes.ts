/** Exit codes of a training process (and of the CLI), one per reason, so that a supervisor can tell them apart without the journal. */
import type { exitReasons } from '../../contract/trainerEvent.ts';
import type { AppErrorData } from '../../contract/errors.ts';

export type ExitReason = (typeof exitReasons)[number];

export const exitCodes: Record<ExitReason, number> = {
  finished: 0, bad_input: 2, stopped: 10, paused: 11, out_of_memory: 12, non_finite: 13, disk_full: 14, bug: 70, killed: 137,
};

/** Why a run failed, from the error's code. */
export function failureReason(error: AppErrorData): ExitReason {
  if (error.code === 'internal') return 'bug';
  if (error.code === 'train.non_finite') return 'non_finite';
  if (error.code === 'disk.full') return 'disk_full';
  return error.code.endsWith('.out_of_memory') ? 'out_of_memory' : 'bad_input';
}
