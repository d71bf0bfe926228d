/** A run's journal against what the database says of it: for tests that kill things. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TrainerEvent } from '../../main/contract/trainerEvent.ts';

/** Deterministic "random" moments, 0–1. */
export const moments = (n: number, seed: number): number[] => Array.from({ length: n }, (_, i) => ((Math.imul(i + seed, 2654435761) >>> 0) % 1000) / 1000);
export const pause = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));
/** The whole lines of a journal; a line that a kill cut off is none. */
export const journalOf = (folder: string): TrainerEvent[] => readFileSync(join(folder, 'events.jsonl'), 'utf8').split('\n').filter(Boolean).flatMap((l) => { try { return [JSON.parse(l) as TrainerEvent]; } catch { return []; } });

type Call = (method: never, params: never) => Promise<unknown>;

/** Every journaled event of a run that has ended is in the database, once and with what it said; and the journal itself has no gap. */
export async function sameAsJournal(call: Call, id: string): Promise<TrainerEvent[]> {
  const ask = call as (method: string, params: unknown) => Promise<never>;
  const run: { folder: string; last_event: number } = await ask('runs.get', { id });
  const events = journalOf(run.folder);
  expect(events.map((e) => e.n)).toEqual(events.map((_, i) => i + 1));
  expect(run.last_event).toBe(events.length);
  const rows: { n: number; at: number; type: string; data: object }[] = await ask('runs.events', { id, limit: 5_000 });
  expect(rows.map(({ data, ...row }) => ({ ...row, ...data }))).toEqual(events.filter((e) => e.type !== 'step' && e.type !== 'stage'));
  // a step that was trained again after a kill has the later value
  const steps = new Map(events.flatMap((e) => (e.type === 'step' ? [[e.step, e.metrics['loss']] as const] : [])));
  const [loss]: { steps: number[]; values: number[] }[] = await ask('metrics.series', { run_id: id, names: ['loss'], max_points: 20_000 });
  expect(loss!.steps.map((s, i) => [s, loss!.values[i]])).toEqual([...steps].sort(([a], [b]) => a - b));
  return events;
}
