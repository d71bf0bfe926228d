/**
 * A training run from outside: takes the folder's lock, keeps the journal, runs train.ts, and turns whatever happens into a last
 * event and an exit reason. Used by the child process (process.ts) and by the CLI.
 */
import { existsSync } from 'node:fs';
import { AppError, toAppError } from '../../contract/errors.ts';
import type { TrainerEvent, TrainerEventBody } from '../../contract/trainerEvent.ts';
import type { CommandQueue } from './commandQueue.ts';
import { failureReason, type ExitReason } from './exitCodes.ts';
import { openJournal, type Journal } from './journal.ts';
import { lockRun } from './lock.ts';
import { readRunConfig, runFolder } from './runFolder.ts';
import { listCheckpoints } from './checkpointStore.ts';

export interface RunOptions {
  /** "latest", a checkpoint's name, or null: latest if there is one, else from the start */
  resume: string | null;
  onEvent(event: TrainerEvent): void;
  commands: CommandQueue;
}

/** Runs or resumes the training in `dir`. Never throws: every end is an event and a reason. */
export async function runTraining(dir: string, { resume, onEvent, commands }: RunOptions): Promise<ExitReason> {
  const folder = runFolder(dir);
  let release: (() => void) | undefined, journal: Journal | undefined, step = 0;
  // number 0: said before there is a journal, or when it cannot be written; such events belong to no record
  let emit = (body: TrainerEventBody): void => onEvent({ n: 0, at: Date.now(), ...body } as TrainerEvent);
  try {
    if (!existsSync(dir)) throw new AppError('run.no_folder', `There is no run folder ${dir}.`, 'Make one with "lpl train RUN.json".', { dir });
    release = lockRun(dir);
    commands.follow(folder.commands);
    const opened = journal = openJournal(folder.journal);
    emit = (body) => {
      if ('step' in body) step = body.step;
      onEvent(opened.append(body));
    };
    const { train } = await import('../train.ts');
    return await train({ folder, config: readRunConfig(folder.config), resume, emit, commands });
  } catch (error) {
    const data = toAppError(error), reason = failureReason(data);
    const failed = { type: 'failed' as const, reason, step, error: data, last_checkpoint: listCheckpoints(folder.checkpoints).at(-1) ?? null };
    try { emit(failed); } catch { onEvent({ n: 0, at: Date.now(), ...failed }); } // the journal's disk may be the full one
    return reason;
  } finally {
    journal?.close();
    release?.();
  }
}
