/** Time and memory of a run: rates, expected time left, peak memory. */
import { readFileSync } from 'node:fs';
import { tf } from '../tf.ts';

/** Expected seconds left, from a decaying mean of recent durations (half of the weight on the last ~20); null before `least` of them. */
export function etaClock(least = 1): { tick(seconds: number): void; left(remaining: number): number | null; readonly mean: number | null } {
  let mean: number | null = null, n = 0;
  return {
    get mean() { return mean; },
    tick(seconds) {
      n++;
      const share = Math.max(1 / n, 1 / 30);
      mean = mean === null ? seconds : mean + share * (seconds - mean);
    },
    left: (remaining) => (mean === null || n < least ? null : Math.max(0, remaining * mean)),
  };
}

/** How often something that is due every `every` steps, and after the last, is still to come after `done` of `total`; 0: only after the last. */
export function stillDue(every: number, done: number, total: number): number {
  if (done >= total) return 0;
  return every > 0 ? Math.ceil(total / every) - Math.floor(done / every) : 1;
}

/** What comes between steps (drawing, validating, saving): how often, and a decaying mean of how long it took. */
export interface PauseClock { timed<T>(work: () => Promise<T>): Promise<T>; left(done: number, total: number): number }
export function pauseClock(every: number): PauseClock {
  const clock = etaClock();
  return {
    async timed(work) {
      const began = performance.now(), result = await work();
      clock.tick((performance.now() - began) / 1000);
      return result;
    },
    left: (done, total) => clock.left(stillDue(every, done, total)) ?? 0,
  };
}

/** Resident memory now and at its highest, MB, and the number of tfjs tensors. */
export function memoryNow(): { rss_mb: number; peak_rss_mb: number; tensors: number } {
  const rss = process.memoryUsage.rss() / 1e6;
  return { rss_mb: round1(rss), peak_rss_mb: round1(Math.max(rss, peakRss())), tensors: tf.memory().numTensors };
}

const round1 = (x: number): number => Math.round(x * 10) / 10;

/** VmHWM on Linux; elsewhere getrusage's maxrss (kilobytes). */
function peakRss(): number {
  try {
    const kb = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kb) return Number(kb) * 1024 / 1e6;
  } catch { /* not Linux */ }
  return process.resourceUsage().maxRSS * 1024 / 1e6;
}
