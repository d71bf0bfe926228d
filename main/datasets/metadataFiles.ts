/** metadata.jsonl, metadata.csv and kohya JSON files of a folder, as captions (and our own columns) by file name. */
import { csvRecords } from './csv.ts';
import { kohyaMetadata } from './kohya.ts';
import { captionLines, decodeText } from './textDecode.ts';

/** One picture's row: caption column values, plus what our own export adds. */
export interface MetadataRow { columns: Record<string, unknown> }
export interface MetadataTable {
  source: 'metadata.jsonl' | 'metadata.csv' | 'kohya-json';
  /** file name as written (relative to the metadata's folder); kohya keys may lack the extension */
  rows: Map<string, MetadataRow>;
  columns: string[];
  problems: string[];
}

export const isMetadataName = (name: string): boolean => /^metadata\.(jsonl|csv)$/i.test(name) || /\.json$/i.test(name);

/** Reads a metadata file by its name. Undefined for JSON files that are not kohya's. Bad lines are problems, not errors. */
export function readMetadata(name: string, bytes: Uint8Array): MetadataTable | undefined {
  const { text } = decodeText(bytes);
  if (/\.jsonl$/i.test(name)) return readJsonl(text);
  if (/\.csv$/i.test(name)) return readCsv(text);
  try {
    const map = kohyaMetadata(JSON.parse(text));
    return map && { source: 'kohya-json', columns: ['caption'], problems: [], rows: new Map([...map].map(([k, caption]) => [k, { columns: { caption } }])) };
  } catch {
    return undefined;
  }
}

function readJsonl(text: string): MetadataTable {
  const table: MetadataTable = { source: 'metadata.jsonl', rows: new Map(), columns: [], problems: [] };
  const columns = new Set<string>();
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    let row: Record<string, unknown>;
    try { row = JSON.parse(line) as Record<string, unknown>; } catch { table.problems.push(`line ${i + 1} is not JSON`); return; }
    if (typeof row?.['file_name'] !== 'string') { table.problems.push(`line ${i + 1} has no file_name`); return; }
    for (const c of Object.keys(row)) columns.add(c);
    table.rows.set(row['file_name'].replaceAll('\\', '/'), { columns: row });
  });
  table.columns = [...columns].filter((c) => c !== 'file_name');
  return table;
}

function readCsv(text: string): MetadataTable {
  const { columns, records } = csvRecords(text);
  const table: MetadataTable = { source: 'metadata.csv', rows: new Map(), columns: columns.filter((c) => c !== 'file_name'), problems: [] };
  if (!columns.includes('file_name')) table.problems.push('there is no column file_name');
  else records.forEach((r, i) => { if (r['file_name']) table.rows.set(r['file_name'].replaceAll('\\', '/'), { columns: r }); else table.problems.push(`row ${i + 2} has no file_name`); });
  return table;
}

const CAPTION_COLUMNS = ['text', 'caption', 'prompt', 'additional_feature', 'tags'];

/** The row's captions from the column the person chose, else the first of the usual ones. A list, or lines, are alternatives. */
export function captionsOfRow(row: MetadataRow, column: string | null): string[] | undefined {
  const name = column ?? CAPTION_COLUMNS.find((c) => row.columns[c] !== undefined && row.columns[c] !== null);
  const value = name === undefined ? undefined : row.columns[name];
  if (Array.isArray(value)) return value.filter((v) => typeof v === 'string').flatMap(captionLines);
  return typeof value === 'string' ? captionLines(value) : undefined;
}
