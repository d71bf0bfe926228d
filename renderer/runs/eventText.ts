/** Journal events as lines a person reads: what happened and why. */
import { bytes, count, duration, number } from '../ui/format.ts';

export interface JournalEvent { n: number; at: number; type: string; data: Record<string, unknown> }
export type Tone = 'calm' | 'good' | 'warn' | 'bad';

const text = (v: unknown): string => (typeof v === 'string' ? v : v === null || v === undefined ? '' : String(v));
const num = (v: unknown): number => (typeof v === 'number' ? v : Number.NaN);

const writers: Record<string, (d: Record<string, unknown>) => { text: string; tone: Tone }> = {
  started: (d) => ({ tone: 'calm', text: `${d.resumed_from === null ? 'Started' : `Went on from step ${count(num(d.resumed_from))}`} on ${text(d.device)}: ${text(d.backend)}, ${text(d.precision)}${d.compiled ? ', compiled' : ''}` }),
  validation: (d) => ({ tone: 'calm', text: `Validated at step ${count(num(d.step))}: ${Object.entries((d.metrics ?? {}) as Record<string, number>).flatMap(([k, v]) => (/^val(idation)?\/(ema_)?(loss|lpl)$/.test(k) ? [`${k.split('/').at(-1)!.replace('ema_', 'EMA ').replace('lpl', 'LPL')} ${number(v)}`] : [])).join(', ')}` }),
  sample: (d) => ({ tone: 'calm', text: `Picture drawn at step ${count(num(d.step))}: “${text(d.prompt)}”, seed ${text(d.seed)}${d.ema ? ', EMA' : ''}` }),
  prompts: (d) => ({ tone: 'calm', text: `Sample prompts changed: ${(Array.isArray(d.prompts) ? d.prompts : []).map((p) => `“${text(p)}”`).join(', ') || 'none'}` }),
  checkpoint: (d) => ({ tone: 'good', text: `Checkpoint at step ${count(num(d.step))} saved and read back, ${bytes(num(d.bytes))}${Array.isArray(d.removed) && d.removed.length > 0 ? `; ${d.removed.join(', ')} removed` : ''}` }),
  export: (d) => ({ tone: 'good', text: `Exported ${text(d.file)}, ${bytes(num(d.bytes))}, from step ${count(num(d.step))}` }),
  excluded: (d) => ({ tone: 'warn', text: `Left out ${text(d.item)}: ${text(d.reason)}` }),
  warning: (d) => ({ tone: 'warn', text: text(d.message) }),
  finished: (d) => ({ tone: 'good', text: `${d.reason === 'finished' ? 'Finished' : d.reason === 'paused' ? 'Paused' : 'Stopped'} at step ${count(num(d.step))} after ${duration(num(d.seconds))}` }),
  failed: (d) => ({ tone: 'bad', text: `Ended at step ${count(num(d.step))}: ${text((d.error as { message?: unknown } | undefined)?.message)}` }),
};

export function eventText(event: JournalEvent): { text: string; tone: Tone } {
  return writers[event.type]?.(event.data) ?? { text: event.type, tone: 'calm' };
}

/** Pictures of one step and prompt set come one event each: they are told as one line. */
export function condense(events: readonly JournalEvent[]): (JournalEvent & { text: string; tone: Tone })[] {
  const lines: (JournalEvent & { text: string; tone: Tone; pictures: number })[] = [];
  for (const event of events) {
    const last = lines.at(-1);
    if (event.type === 'sample' && last?.type === 'sample' && last.data.step === event.data.step) {
      last.pictures += 1;
      last.text = `${last.pictures} pictures drawn at step ${count(num(event.data.step))}`;
      continue;
    }
    lines.push({ ...event, ...eventText(event), pictures: 1 });
  }
  return lines;
}
