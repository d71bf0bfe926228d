/** Comma-separated values (RFC 4180): quoted fields, doubled quotes, newlines inside quotes; a semicolon or tab as separator where the header has more of them. */

/** The rows of a CSV text. Rows may differ in length; an unclosed quote runs to the end. */
export function parseCsv(text: string): string[][] {
  const separator = detectSeparator(text.slice(0, text.search(/[\r\n]|$/)));
  const rows: string[][] = [];
  let row: string[] = [], cell = '', quoted = false;
  const endCell = () => { row.push(cell); cell = ''; };
  const endRow = () => { endCell(); if (row.length > 1 || row[0] !== '') rows.push(row); row = []; };
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[i + 1] === '"') { cell += '"'; i++; } else quoted = false;
    } else if (c === '"' && cell === '') quoted = true;
    else if (c === separator) endCell();
    else if (c === '\n' || c === '\r') { if (c === '\r' && text[i + 1] === '\n') i++; endRow(); } else cell += c;
  }
  if (cell !== '' || row.length > 0) endRow();
  return rows;
}

function detectSeparator(header: string): string {
  const count = (s: string) => header.split(s).length;
  return [';', '\t'].reduce((best, s) => (count(s) > count(best) ? s : best), ',');
}

/** The rows under the header as objects; missing cells are empty. */
export function csvRecords(text: string): { columns: string[]; records: Record<string, string>[] } {
  const [header = [], ...rows] = parseCsv(text);
  const columns = header.map((c) => c.trim());
  return { columns, records: rows.map((row) => Object.fromEntries(columns.map((c, i) => [c, row[i] ?? '']))) };
}
