/** Time and memory of a run: rates, expected time left, peak memory. */
import { readFileSync } from 'node:fs';
import { tf } from '../tf.ts';

/** Expected seconds left, from a decaying mean of recent durations (half of the weight on the last ~20). */
export function etaClock(): { tick(seconds: number): void; left(remaining: number): number | null; readonly mean: number | null } {
  let mean: number | null = null, n = 0;
  return {
    get mean() { return mean; },
    tick(seconds) {
      n++;
      const share = Math.max(1 / n, 1 / 30);
      mean = mean === null ? seconds : mean + share * (seconds - mean);
    },
    left: (remaining) => (mean === null ? null : Math.max(0, remaining * mean)),
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
