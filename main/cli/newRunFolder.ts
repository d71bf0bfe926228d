/** The folder of a run that a command starts: it goes again where the run was refused before anything was trained. */
import { mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { runFolder } from '../contract/runFolder.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { TrainerEvent } from '../contract/trainerEvent.ts';
import type { ExitReason } from '../engine/run/exitCodes.ts';
import { diskError } from '../files/atomicFile.ts';
import { createRunFolder } from '../engine/run/runFolder.ts';

export interface NewRunFolder {
  dir: string;
  /** To be told of every event. */
  saw(event: TrainerEvent): void;
  /** Removes what was made where the run ended before its first picture or step for something that a person has to change first. Returns whether it did. */
  withdrawIf(reason: ExitReason): boolean;
}

/** Makes folders down to `dir`; returns the topmost that was not there yet. Throws run.folder_unusable, disk.*. */
function made(dir: string): string | undefined {
  try { return mkdirSync(dir, { recursive: true }); } catch (error) {
    if (!['ENOTDIR', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw diskError(error, dir);
    throw new AppError('run.folder_unusable', `A file stands where the run folder ${dir} should be.`, 'Choose another folder with --output_dir.', { dir });
  }
}

/** Makes it. What else lies in `dir`, and folders above it that were there, stay in any case. Throws run.folder_taken, run.folder_unusable, disk.*. */
export function newRunFolder(dir: string, config: RunConfig): NewRunFolder {
  const firstMade = made(dir), before = new Set(readdirSync(dir));
  let began = false;
  const withdraw = (): void => {
    for (const name of Object.values(runFolder)) if (!before.has(name)) rmSync(join(dir, name), { recursive: true, force: true });
    for (let at = dir; firstMade !== undefined && at.length >= firstMade.length; at = dirname(at)) {
      try { rmdirSync(at); } catch { return; } // something else was put in meanwhile
    }
  };
  try { createRunFolder(dir, config); } catch (error) {
    withdraw();
    throw error;
  }
  return {
    dir,
    saw: ({ type }) => { began ||= type === 'step' || type === 'sample' || type === 'validation' || type === 'checkpoint'; },
    withdrawIf(reason) {
      if (began || !(reason === 'bad_input' || reason === 'disk_full')) return false;
      withdraw();
      return true;
    },
  };
}
