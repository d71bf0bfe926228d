/** One process per run folder: a lock file with its holder's process id; the lock of a process that is gone is taken over. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';

/** Takes the lock; returns what releases it. Throws run.already_running. */
export function lockRun(dir: string): () => void {
  const file = join(dir, 'run.lock');
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(file, 'wx');
      writeSync(fd, String(process.pid));
      closeSync(fd);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(readFileSync(file, 'utf8'));
      if (holder !== process.pid && isAlive(holder)) throw new AppError('run.already_running', `The run in ${dir} is being trained by process ${holder}.`, 'Wait for it, or stop it first.', { dir, pid: holder });
      rmSync(file, { force: true });
    }
  }
  throw new AppError('run.already_running', `The run in ${dir} was just taken by another process.`, 'Wait for it, or stop it first.', { dir });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try { process.kill(pid, 0); return true; } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM'; }
}
