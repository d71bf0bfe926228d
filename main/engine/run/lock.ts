/** One process per run folder: a lock file with its holder's number and start; the lock of a process that is gone is taken over. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { runFolder } from '../../contract/runFolder.ts';

/** Takes the lock; returns what releases it. Throws run.already_running. */
export function lockRun(dir: string): () => void {
  const file = join(dir, runFolder.lock);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(file, 'wx');
      writeSync(fd, `${process.pid} ${startOf(process.pid)}`);
      closeSync(fd);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '', started = ''] = readFileSync(file, 'utf8').split(' '), holder = Number(pid);
      if (holder !== process.pid && isAlive(holder) && (started === '' || started === startOf(holder))) throw new AppError('run.already_running', `The run in ${dir} is being trained by process ${holder}.`, 'Wait for it, or stop it first.', { dir, pid: holder });
      rmSync(file, { force: true });
    }
  }
  throw new AppError('run.already_running', `The run in ${dir} was just taken by another process.`, 'Wait for it, or stop it first.', { dir });
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try { process.kill(pid, 0); return true; } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM'; }
}

/** When a process started: the number alone is given to others after a restart of the machine. "" where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch { return ''; }
}
