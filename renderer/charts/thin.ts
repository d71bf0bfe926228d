/**
 * A series with no more points than a screen can show, without losing a spike: each column of the picture keeps its first,
 * lowest, highest and last point (M4 aggregation, Jugel et al., VLDB 2014), so the drawn line is the same.
 */
export interface Thinned { x: number[]; y: number[] }

/** Indices to keep of ascending `x` within [from, to], with the neighbours outside, for `columns` columns. */
export function thinIndices(x: readonly number[], y: readonly number[], from: number, to: number, columns: number): number[] {
  const begin = Math.max(0, lowerBound(x, from) - 1);
  const end = Math.min(x.length, lowerBound(x, to) + 2);
  if (end - begin <= 4 * columns || !(to > from)) return Array.from({ length: Math.max(0, end - begin) }, (_, i) => begin + i);
  const kept: number[] = [];
  for (let i = begin; i < end;) {
    const column = columnOf(x[i]!, from, to, columns);
    let [low, high, last] = [i, i, i];
    for (; last + 1 < end && columnOf(x[last + 1]!, from, to, columns) === column;) {
      last += 1;
      if (y[last]! < y[low]!) low = last;
      if (y[last]! > y[high]!) high = last;
    }
    for (const k of [...new Set([i, Math.min(low, high), Math.max(low, high), last])]) kept.push(k);
    i = last + 1;
  }
  return kept;
}

export function thin(x: readonly number[], y: readonly number[], from: number, to: number, columns: number): Thinned {
  const kept = thinIndices(x, y, from, to, columns);
  return { x: kept.map((i) => x[i]!), y: kept.map((i) => y[i]!) };
}

const columnOf = (x: number, from: number, to: number, columns: number): number => Math.floor(((x - from) / (to - from)) * columns);

function lowerBound(x: readonly number[], at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) { const mid = (low + high) >> 1; if (x[mid]! < at) low = mid + 1; else high = mid; }
  return low;
}
