/** Outliers that would flatten a chart, cut off at Tukey's outer fence (third quartile + 3 × the quartiles' distance, Tukey 1977), and told. */
import type { Line } from '../charts/line.ts';

export interface Clipped { lines: Line[]; /** points that lie beyond the fence, and where it stands; null: none */ cut: { points: number; above: number; largest: number } | null }

const quantile = (sorted: readonly number[], p: number): number => sorted[Math.round(p * (sorted.length - 1))]!;

/** Values beyond the fence are drawn at it. Fewer than eight points say nothing about outliers. */
export function clipOutliers(lines: readonly Line[]): Clipped {
  const values = lines.flatMap((l) => l.y.filter(Number.isFinite)).sort((a, b) => a - b), third = quantile(values, 0.75), above = third + 3 * (third - quantile(values, 0.25));
  const beyond = values.filter((v) => v > above);
  if (values.length < 8 || beyond.length === 0) return { lines: [...lines], cut: null };
  const fenced = (ys: readonly number[]): number[] => ys.map((v) => Math.min(v, above));
  return {
    lines: lines.map((l) => ({ ...l, y: fenced(l.y), ...(l.band ? { band: { low: fenced(l.band.low), high: fenced(l.band.high) } } : {}) })),
    cut: { points: beyond.length, above, largest: beyond.at(-1)! },
  };
}
