/**
 * The header of a safetensors file: 8 bytes of length (u64, little-endian), then JSON
 * {"name": {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {string: string}}, then the data.
 * Format: https://github.com/huggingface/safetensors. Headers come from strangers, so everything is checked.
 */
import { bytesPerElement, isDtype, type Dtype } from './dtype.ts';
import { damagedFile } from './errors.ts';

/** `begin` and `end` are byte positions in the file. */
export interface TensorInfo { name: string; dtype: Dtype; shape: number[]; begin: number; end: number }
export interface Header { tensors: Map<string, TensorInfo>; metadata: Record<string, string>; dataBegin: number }

export const maxHeaderBytes = 100_000_000; // the format's own limit
const maxTensors = 200_000, maxRank = 8;

/** Names written twice in the same object of a JSON text; JSON.parse would silently keep the last. */
export function duplicateKeys(json: string): string[] {
  const seen: (Set<string> | null)[] = [], duplicates: string[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs;
  for (let m = token.exec(json); m; m = token.exec(json)) {
    const text = m[0], keys = seen.at(-1);
    if (text === '{') seen.push(new Set());
    else if (text === '[') seen.push(null);
    else if (text === '}' || text === ']') seen.pop();
    else if (m[1] && keys) {
      const key = JSON.parse(text.slice(0, text.lastIndexOf('"') + 1)) as string;
      if (keys.has(key)) duplicates.push(key);
      keys.add(key);
    }
  }
  return duplicates;
}

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);
const isSize = (v: unknown): v is number => typeof v === 'number' && Number.isSafeInteger(v) && v >= 0;

/** Product of the sides, or NaN where it is no longer exact. */
export function elementCount(shape: number[]): number {
  if (shape.includes(0)) return 0;
  const n = shape.reduce((a, b) => a * b, 1);
  return Number.isSafeInteger(n) ? n : NaN;
}

function parseEntry(path: string, name: string, value: unknown, dataBegin: number): TensorInfo {
  const bad = (what: string) => damagedFile(path, `tensor "${name}" ${what}`, { tensor: name });
  if (!isObject(value)) throw bad('has no description');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) throw bad(`has the unknown number format ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || shape.length > maxRank || !shape.every(isSize)) throw bad('has an impossible shape');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) throw bad('has impossible offsets');
  const [begin, end] = offsets as [number, number];
  const bytes = elementCount(shape) * bytesPerElement[dtype];
  if (Number.isNaN(bytes)) throw bad(`has the shape [${shape.join(', ')}], larger than any file`);
  if (end - begin !== bytes) throw bad(`takes ${end - begin} bytes but its shape [${shape.join(', ')}] in ${dtype} needs ${bytes}`);
  return { name, dtype, shape, begin: dataBegin + begin, end: dataBegin + end };
}

function parseMetadata(path: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((v) => typeof v === 'string')) throw damagedFile(path, 'its metadata is not a list of texts');
  return value as Record<string, string>;
}

/** The data must be covered exactly once: no gap, no overlap, nothing before or after. */
function checkCoverage(path: string, tensors: TensorInfo[], dataBegin: number, fileSize: number): void {
  let position = dataBegin;
  for (const t of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (t.begin < position) throw damagedFile(path, `tensor "${t.name}" overlaps the one before it`, { tensor: t.name });
    if (t.begin > position) throw damagedFile(path, `there are ${t.begin - position} unexplained bytes before tensor "${t.name}"`, { tensor: t.name });
    position = t.end;
  }
  if (position > fileSize) throw damagedFile(path, `it ends ${position - fileSize} bytes too early (${fileSize} of ${position}): the download or copy is incomplete`, { bytes: fileSize, expected: position });
  if (position < fileSize) throw damagedFile(path, `it has ${fileSize - position} unexplained bytes at its end`, { bytes: fileSize, expected: position });
}

/** Parses and checks the JSON part. `json` are its bytes, `fileSize` the whole file's. Throws model.damaged. */
export function parseHeader(path: string, json: Uint8Array, fileSize: number): Header {
  let parsed: unknown, text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    parsed = JSON.parse(text);
  } catch {
    throw damagedFile(path, 'its header is not valid JSON');
  }
  if (!isObject(parsed)) throw damagedFile(path, 'its header is not a list of tensors');
  const twice = duplicateKeys(text);
  if (twice.length) throw damagedFile(path, `its header names "${twice[0]}" twice`, { names: twice.slice(0, 8) });
  const entries = Object.entries(parsed).filter(([name]) => name !== '__metadata__');
  if (entries.length > maxTensors) throw damagedFile(path, `its header lists ${entries.length} tensors`);
  const dataBegin = 8 + json.length;
  const tensors = entries.map(([name, value]) => parseEntry(path, name, value, dataBegin));
  checkCoverage(path, tensors, dataBegin, fileSize);
  return { tensors: new Map(tensors.map((t) => [t.name, t])), metadata: parseMetadata(path, parsed['__metadata__']), dataBegin };
}
