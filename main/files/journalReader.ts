/** Reads a run's journal from a byte offset on, in pieces, so that a journal of a million lines needs little memory. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { trainerEventSchema, type TrainerEvent } from '../contract/trainerEvent.ts';

const PIECE = 1 << 20;

/**
 * Yields arrays of events with the offset behind them, beginning at byte `from`. A torn last line (no newline yet) is
 * left for the next time. Lines that are not events are passed to `bad` and skipped.
 */
export function* readEvents(file: string, from: number, bad: (line: string) => void): Generator<{ events: TrainerEvent[]; offset: number }> {
  if (!existsSync(file)) return;
  const fd = openSync(file, 'r');
  try {
    let rest = Buffer.alloc(0);
    let at = from;
    for (;;) {
      const piece = Buffer.alloc(PIECE);
      const got = readSync(fd, piece, 0, PIECE, at);
      if (got === 0) return;
      at += got;
      const data = Buffer.concat([rest, piece.subarray(0, got)]);
      const end = data.lastIndexOf(10) + 1;
      rest = data.subarray(end);
      const events = data.toString('utf8', 0, end).split('\n').filter((l) => l !== '').flatMap((l) => parseLine(l, bad));
      if (end > 0) yield { events, offset: at - rest.length };
    }
  } finally { closeSync(fd); }
}

/** One event; step lines, by far the most, are checked cheaply, the rest against the schema. */
function parseLine(line: string, bad: (line: string) => void): TrainerEvent[] {
  let json: unknown;
  try { json = JSON.parse(line); } catch { bad(line); return []; }
  return checked(json, () => bad(line));
}

/** Validates what a training process says; an empty list when it is not an event. */
export function checked(json: unknown, bad: () => void): TrainerEvent[] {
  const e = json as Partial<Extract<TrainerEvent, { type: 'step' }>> | null;
  if (e?.type === 'step' && Number.isInteger(e.n) && Number.isInteger(e.step) && typeof e.at === 'number' && typeof e.metrics === 'object' && e.metrics !== null && typeof e.memory === 'object') return [e as TrainerEvent];
  const parsed = trainerEventSchema.safeParse(json);
  if (parsed.success) return [parsed.data];
  bad();
  return [];
}
