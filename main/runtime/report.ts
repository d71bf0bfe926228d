/** How set-up tells what it does: stages with progress, for a terminal or a page. */
export interface Report {
  /** `done` of `total` in MB; total 0: unknown */
  stage(text: string, done?: number, total?: number): void;
  line(text: string): void;
}

/** One line a stage, rewritten where the terminal can; a line every ten percent where it cannot. */
export function terminalReport(out: NodeJS.WriteStream = process.stdout): Report {
  let open = false;
  let last = '';
  const end = (): void => { if (open) out.write('\n'); open = false; };
  return {
    stage(text, done = 0, total = 0) {
      const percent = total > 0 ? Math.min(100, Math.floor((100 * done) / total)) : 0;
      const shown = total > 0 ? `${text} … ${percent} %` : `${text} …`;
      if (out.isTTY) { if (!shown.startsWith(last.split(' …')[0]!)) end(); out.write(`\r\x1b[K${shown}`); open = true; } else if (key(text, percent) !== last) out.write(`${shown}\n`);
      last = out.isTTY ? shown : key(text, percent);
    },
    line(text) { end(); out.write(`${text}\n`); },
  };
}
/** Stages as JSON lines {stage, done, total} for whoever reads this process's output; lines of text are left out. */
export function jsonReport(data: (line: unknown) => void): Report {
  return { stage: (stage, done = 0, total = 0) => data({ stage, done, total }), line: () => undefined };
}
const key = (text: string, percent: number): string => `${text}${percent - (percent % 20)}`;
