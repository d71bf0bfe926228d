/** Processes that tests started and left behind: found by a mark in their environment, which children inherit. Linux only; elsewhere none are seen. */
import { readdirSync, readFileSync } from 'node:fs';

export interface Outlived { pid: number; command: string }
export const MARK = 'LPL_TEST_SUITE';

/** Living processes (this one aside) whose environment says MARK=value. */
export function outlived(value: string): Outlived[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).flatMap((name) => {
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(`${MARK}=${value}`)) return [];
      return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() }];
    } catch { return []; } // it has just ended, or is another user's
  });
}

/** Those that `counts` (a bus that the desktop's libraries start for themselves does not) and that are still there after `ms`: an end takes a moment. */
export async function outlivedFor(value: string, ms: number, counts: (left: Outlived) => boolean = () => true): Promise<Outlived[]> {
  for (const end = performance.now() + ms; ;) {
    const left = outlived(value).filter(counts);
    if (left.length === 0 || performance.now() > end) return left;
    await new Promise((r) => setTimeout(r, 100));
  }
}
