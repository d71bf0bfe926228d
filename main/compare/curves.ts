/** Curves of a run from its journal: validation metrics against steps and against the time spent training. */
import { join } from 'node:path';
import { runFolder } from '../contract/runFolder.ts';
import { readEvents } from '../files/journalReader.ts';

export interface CurvePoint { step: number; /** seconds spent in training steps so far, without samples, validation and pauses */ seconds: number; value: number }
export interface RunCurves { /** metric name -> points in step order */ curves: Map<string, CurvePoint[]>; steps: number; seconds: number }

/** Reads events.jsonl. A line that is torn or of a newer version is passed over. Steps repeated after a resume replace the earlier ones. */
export function readCurves(dir: string): RunCurves {
  const byMetric = new Map<string, Map<number, CurvePoint>>();
  const secondsAt = new Map<number, number>();
  let seconds = 0, steps = 0;
  for (const { events } of readEvents(join(dir, runFolder.events), 0, () => undefined)) {
    for (const event of events) {
      if (event.type === 'started') { steps = event.resumed_from ?? 0; seconds = secondsAt.get(steps) ?? 0; }
      if (event.type === 'step') { seconds += event.seconds; steps = event.step; secondsAt.set(steps, seconds); }
      if (event.type !== 'validation') continue;
      for (const [name, value] of Object.entries(event.metrics)) {
        const points = byMetric.get(name) ?? new Map<number, CurvePoint>();
        points.set(event.step, { step: event.step, seconds, value });
        byMetric.set(name, points);
      }
    }
  }
  const curves = new Map([...byMetric].map(([name, points]) => [name, [...points.values()].sort((a, b) => a.step - b.step)]));
  return { curves, steps, seconds };
}

/** Mean and spread over repetitions at each step that all of them have. */
export function seedBand(runs: readonly CurvePoint[][]): { step: number; seconds: number; mean: number; low: number; high: number }[] {
  const byStep = runs.map((r) => new Map(r.map((p) => [p.step, p]))), shared = runs[0]?.filter((p) => byStep.every((r) => r.has(p.step))) ?? [];
  return shared.map(({ step }) => {
    const points = byStep.map((r) => r.get(step)!);
    const values = points.map((p) => p.value);
    const mean = values.reduce((s, v) => s + v, 0) / values.length;
    return { step, seconds: points.reduce((s, p) => s + p.seconds, 0) / points.length, mean, low: Math.min(...values), high: Math.max(...values) };
  });
}

type BandPoint = ReturnType<typeof seedBand>[number];

/** Of very many points those that a drawing shows: first, last, lowest and highest of each of `columns` parts (Jugel et al., VLDB 2014). */
export function thinBand(points: readonly BandPoint[], columns = 500): BandPoint[] {
  if (points.length <= 4 * columns) return [...points];
  const parts = Map.groupBy(points.keys(), (i) => Math.floor((i * columns) / points.length));
  return [...parts.values()].flatMap((own) => {
    const low = own.reduce((a, b) => (points[b]!.low < points[a]!.low ? b : a)), high = own.reduce((a, b) => (points[b]!.high > points[a]!.high ? b : a));
    return [...new Set([own[0]!, low, high, own.at(-1)!])].sort((a, b) => a - b).map((i) => points[i]!);
  });
}
