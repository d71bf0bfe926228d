/** Which living process trains in a run's folder, by the lock that it keeps there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolder } from '../contract/runFolder.ts';
import { isSame } from '../files/processIdentity.ts';

/** Null when nobody does, or when the lock is a dead process's. */
export function lockHolder(folder: string): { pid: number; started: string | null } | null {
  let text: string;
  try { text = readFileSync(join(folder, runFolder.lock), 'utf8'); } catch { return null; }
  const [number = '', started = ''] = text.split(' ');
  const pid = Number(number);
  return Number.isInteger(pid) && pid > 0 && started !== '' && isSame(pid, started) ? { pid, started } : null;
}
