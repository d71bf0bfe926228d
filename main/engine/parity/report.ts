/** How the parity check tells its results: JSON lines, or a table with the largest error of each quantity. */
import type { AppErrorData } from '../../contract/errors.ts';
import type { ParityResult } from './section.ts';

export interface ParityReport {
  result(r: ParityResult): void;
  failed(section: string, error: AppErrorData): void;
  /** What the folder lacks of a section, or of one part of it. */
  absent(section: string, names: string[], part?: string): void;
  endSection(section: string): void;
  /** Writes the summary; true when everything that was there passed and something was there. */
  finish(): boolean;
}

interface Row { worst: ParityResult; count: number; failures: number }

/** "a, b, c and 4 more" */
const someOf = (names: string[]): string => `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

/** Cases of one quantity are one row: "case 12: gradient" belongs to "gradient". */
const quantityOf = (r: ParityResult): string => r.quantity.replace(/^case \d+: /, '');
const rank = (r: ParityResult): number => (Number.isNaN(r.error) ? Infinity : r.error);

function line(name: string, { worst, count, failures }: Row): string {
  const times = count > 1 ? ` (largest of ${count}${failures ? `, ${failures} fail` : ''})` : '';
  const where = failures && count > 1 ? ` – ${worst.quantity}${worst.note ? `, ${worst.note}` : ''}` : '';
  return `  ${failures ? 'FAIL' : 'ok  '}  ${name.padEnd(52)} ${worst.error.toExponential(1).padStart(8)}  of ${worst.tolerance === 0 ? 'exactly 0' : worst.tolerance.toExponential(0)}${times}${where}`;
}

export function parityReport(write: (line: string) => void, json: boolean): ParityReport {
  const totals = { passed: 0, failed: 0, absent: 0 };
  let rows = new Map<string, Row>(), absentParts: string[] = [];
  const say = (data: object, text: string): void => write(json ? JSON.stringify(data) : text);
  return {
    result(r) {
      if (r.pass) totals.passed++; else totals.failed++;
      if (json) { write(JSON.stringify({ ...r, error: Number.isFinite(r.error) ? r.error : String(r.error) })); return; }
      const key = quantityOf(r), row = rows.get(key) ?? { worst: r, count: 0, failures: 0 };
      rows.set(key, { worst: rank(r) > rank(row.worst) ? r : row.worst, count: row.count + 1, failures: row.failures + (r.pass ? 0 : 1) });
    },
    failed(section, error) {
      totals.failed++;
      say({ section, failed: error }, `${section}\n  FAIL  ${error.message} ${error.hint}`);
    },
    absent(section, names, part) {
      totals.absent++;
      if (part === undefined) say({ section, absent: names }, `${section}\n  absent: the folder lacks ${someOf(names)}`);
      else if (json) write(JSON.stringify({ section, part, absent: names }));
      else absentParts.push(`  absent  ${part}: the files lack ${someOf(names)}`);
    },
    endSection(section) {
      if (!json && rows.size + absentParts.length) write([section, ...[...rows].map(([name, row]) => line(name, row)), ...absentParts].join('\n'));
      rows = new Map();
      absentParts = [];
    },
    finish() {
      const ok = totals.failed === 0 && totals.passed > 0;
      say({ summary: totals, pass: ok }, `\n${totals.passed} quantities pass, ${totals.failed} fail, ${totals.absent} parts absent${totals.passed + totals.failed === 0 ? ': nothing was checked' : ''}`);
      return ok;
    },
  };
}
