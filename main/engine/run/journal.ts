/**
 * The journal of a run: events.jsonl, one TrainerEvent a line, numbered from 1, only ever appended to.
 *
 * A line that a crash cut short (the last one, without its newline or not JSON) is cut off when the journal is opened
 * for writing; a damaged line further up is somebody's edit and is reported, not repaired.
 */
import { closeSync, existsSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import type { TrainerEvent, TrainerEventBody } from '../../contract/trainerEvent.ts';
import { AppError } from '../../contract/errors.ts';
import { diskError, writeFully } from '../../files/atomicFile.ts';

/** Steps and stages may lose the last seconds in a power cut; everything else reaches the disk before work goes on. */
const unimportant = new Set<TrainerEvent['type']>(['step', 'stage']);
const FLUSH_EVERY_MS = 2000;

export interface Journal {
  /** Numbers and dates the event, appends it, and returns it. */
  append(body: TrainerEventBody): TrainerEvent;
  /** Number of the last event, 0 in a new journal. */
  readonly last: number;
  close(): void;
}

/** All whole events of a journal, and where the torn tail (if any) begins, in bytes. */
export function readJournal(file: string): { events: TrainerEvent[]; validBytes: number; torn: boolean } {
  if (!existsSync(file)) return { events: [], validBytes: 0, torn: false };
  const bytes = readFileSync(file);
  const events: TrainerEvent[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(10, start);
    const event = newline < 0 ? undefined : parse(bytes.toString('utf8', start, newline));
    if (!event) {
      if (newline >= 0 && newline < bytes.length - 1) throw damaged(file, events.length + 1);
      return { events, validBytes: start, torn: true };
    }
    events.push(event);
    start = newline + 1;
  }
  return { events, validBytes: bytes.length, torn: false };
}

function parse(line: string): TrainerEvent | undefined {
  try { return JSON.parse(line) as TrainerEvent; } catch { return undefined; }
}

const damaged = (file: string, line: number): AppError => new AppError('run.journal_damaged', `Line ${line} of ${file} is not an event.`,
  'Restore the journal from a backup, or start a new run from the last checkpoint.', { file, line });

/** Opens (or starts) a journal for appending; cuts a torn last line off. */
export function openJournal(file: string, now: () => number = Date.now): Journal {
  const { events, validBytes, torn } = readJournal(file);
  const fd = openSync(file, 'a');
  if (torn) ftruncateSync(fd, validBytes);
  let last = events.at(-1)?.n ?? 0;
  let flushed = 0;
  return {
    get last() { return last; },
    append(body) {
      const event = { n: last + 1, at: now(), ...body } as TrainerEvent;
      const size = fstatSync(fd).size;
      try {
        writeFully(fd, Buffer.from(`${JSON.stringify(event)}\n`));
        if (!unimportant.has(event.type) || now() - flushed > FLUSH_EVERY_MS) { fdatasyncSync(fd); flushed = now(); }
      } catch (error) {
        ftruncateSync(fd, size); // half a line must not stand before the next event
        throw diskError(error, file);
      }
      last = event.n;
      return event;
    },
    close: () => closeSync(fd),
  };
}
