/** One process per run folder: a lock file with its holder's number and start; the lock of a process that is gone is taken over. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { runFolder } from '../../contract/runFolder.ts';
import { isSame, startTime } from '../../files/processIdentity.ts';

/** Takes the lock; returns what releases it. Throws run.already_running. */
export function lockRun(dir: string): () => void {
  const file = join(dir, runFolder.lock);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(file, 'wx');
      writeSync(fd, `${process.pid} ${startTime(process.pid) ?? ''}`);
      closeSync(fd);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '', started = ''] = readFileSync(file, 'utf8').split(' '), holder = Number(pid);
      // without a start time (not every system tells it) the number must do
      if (holder > 0 && holder !== process.pid && isSame(holder, started || startTime(holder))) throw new AppError('run.already_running', `The run in ${dir} is being trained by process ${holder}.`, 'Wait for it, or stop it first.', { dir, pid: holder });
      rmSync(file, { force: true });
    }
  }
  throw new AppError('run.already_running', `The run in ${dir} was just taken by another process.`, 'Wait for it, or stop it first.', { dir });
}
