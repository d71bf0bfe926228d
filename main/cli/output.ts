/** What the CLI prints: people's text on stderr, with a progress bar on a terminal; with --json, JSON lines on stdout. */
import { toAppError, type AppErrorData } from '../contract/errors.ts';

export interface Output {
  readonly json: boolean;
  /** One JSON line on stdout, with --json only. */
  data(value: unknown): void;
  /** A line on stdout as it is. */
  line(text: string): void;
  /** A line of text on stderr. */
  text(line: string): void;
  /** The result that a person asked for: on stdout without --json (where `data` carries it). */
  result(line: string): void;
  /** Draws or moves the bar; on something else than a terminal, a line now and then. `part`: what stands after the bar in place of "done/total". */
  progress(label: string, done: number, total: number, eta_s?: number | null, part?: string): void;
  error(error: unknown): AppErrorData;
}

const BAR = 24, LINE_EVERY_MS = 10_000;

export function openOutput(json: boolean, err: NodeJS.WriteStream = process.stderr, out: NodeJS.WriteStream = process.stdout): Output {
  const terminal = err.isTTY === true;
  let barShown = false, lastLine = 0, lastLabel = '';
  const clear = (): void => { if (barShown) err.write('\r\x1b[2K'); barShown = false; };
  const text = (line: string): void => { clear(); err.write(`${line}\n`); };
  return {
    json, text,
    line: (line) => { clear(); out.write(`${line}\n`); },
    data: (value) => { if (json) out.write(`${JSON.stringify(value)}\n`); },
    result: (line) => { clear(); (json ? err : out).write(`${line}\n`); },
    progress(label, done, total, eta_s, part) {
      const line = progressLine(label, done, total, eta_s, (err.columns ?? 100) - 1, part);
      if (terminal) { clear(); err.write(line); barShown = true; return; }
      if (label === lastLabel && done < total && Date.now() - lastLine < LINE_EVERY_MS) return;
      [lastLabel, lastLine] = [label, Date.now()];
      err.write(`${line}\n`);
    },
    error(error) {
      const data = toAppError(error);
      text(`error: ${data.message}`);
      text(`  ${data.hint}`);
      if (data.code === 'internal') text(String(data.details?.['stack'] ?? ''));
      if (json) out.write(`${JSON.stringify({ error: data })}\n`);
      return data;
    },
  };
}

export function progressLine(label: string, done: number, total: number, eta_s: number | null | undefined, width: number, part = total > 0 ? `${done}/${total}` : ''): string {
  const share = total > 0 ? Math.min(1, done / total) : 0, filled = Math.round(share * BAR);
  const eta = eta_s === null || eta_s === undefined ? '' : ` · ${duration(eta_s)} left`;
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${part === '' ? '' : `${part}${eta} · `}${label}`.slice(0, Math.max(40, width));
}

/** Seconds for people: 8 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 ? ` ${s % 60} s` : ''}`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}
