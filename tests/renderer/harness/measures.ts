/** Numbers of a page over the developer protocol. */
import type { CDPSession } from 'playwright-core';

/** Processor time of the page's main thread so far, s. */
export async function busy(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find((m) => m.name === 'TaskDuration')?.value ?? Number.NaN;
}

/** JavaScript heap after garbage collection, MB. */
export async function heapOf(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  return (await session.send('Runtime.getHeapUsage')).usedSize / 1e6;
}

export const percentile = (values: readonly number[], p: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? Number.NaN;

/** Slope of a straight line through the second half of the points (the first fills caches), MB an hour. */
export function slopePerHour(points: readonly { s: number; mb: number }[]): number {
  const half = points.slice(Math.floor(points.length / 2));
  const [s, mb] = [half.reduce((n, p) => n + p.s, 0) / half.length, half.reduce((n, p) => n + p.mb, 0) / half.length];
  const over = half.reduce((n, p) => n + (p.s - s) ** 2, 0);
  return over === 0 ? 0 : (half.reduce((n, p) => n + (p.s - s) * (p.mb - mb), 0) / over) * 3_600;
}
