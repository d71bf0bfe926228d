/** Is the process with this number still the one we started? A number alone may have been given to another since. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** When a process started, as an opaque string; null when it is gone or the system does not tell. */
export function startTime(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z') return null; // dead, its parent has not looked yet
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}:${fields[19]}`;
    }
    if (process.platform === 'darwin') return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
    return null;
  } catch { return null; }
}

/** True when the process `pid` runs and started at `started` (where the system tells start times). */
export function isSame(pid: number, started: string | null): boolean {
  try { process.kill(pid, 0); } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false; }
  const now = startTime(pid);
  if (process.platform === 'linux' || process.platform === 'darwin') return now !== null && now === started;
  return true;
}
