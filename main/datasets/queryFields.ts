/** Fields of the filter language, each a test of a picture. */
import { datasetFlags, type DatasetFlag } from '../contract/datasets.ts';
import type { Crop, Size } from '../contract/buckets.ts';
import { isUnsaved, type Item } from './model.ts';
import { queryError, type QueryToken } from './queryTokens.ts';
import { splitTags, tagKey } from './tags.ts';

/** A picture with everything that is worked out about it. */
export interface Picture { item: Item; bucket: Size | null; crop: Crop | null; flags: DatasetFlag[]; reasons: string[] }
export type Predicate = (p: Picture) => boolean;

const size = (f: (w: number, h: number) => number) => ({ item }: Picture): number | null => (item.width === null || item.height === null ? null : f(item.width, item.height));
const numbers: Record<string, (p: Picture) => number | null> = {
  tokens: ({ item }) => item.tokens, width: size((w) => w), height: size((_, h) => h), aspect: size((w, h) => w / h), area: size((w, h) => w * h),
  side: size((w, h) => Math.min(w, h)), bytes: ({ item }) => item.bytes, sharpness: ({ item }) => item.sharpness, flatness: ({ item }) => item.flatness,
  repeats: ({ item }) => item.repeats, weight: ({ item }) => item.weight, captions: ({ item }) => item.captions.length,
  tags: ({ item }) => Math.max(0, ...item.captions.map((c) => splitTags(c).length)), group: ({ item }) => item.nearGroup, id: ({ item }) => item.id,
};
const booleans: Record<string, (p: Picture) => boolean> = {
  excluded: ({ item }) => item.excluded, prior: ({ item }) => item.prior, unsaved: ({ item }) => isUnsaved(item), conflict: ({ item }) => item.conflictCaptions !== null,
  flip: ({ item }) => item.flip, alpha: ({ item }) => item.alpha, animated: ({ item }) => item.animated, cropped: ({ item }) => item.crop !== null,
};
const texts: Record<string, (p: Picture) => readonly string[]> = {
  text: ({ item }) => item.captions, caption: ({ item }) => item.captions, file: ({ item }) => [item.file], folder: ({ item }) => [folderOf(item.file)],
  class: ({ item }) => [item.classTokens], reason: ({ reasons, item }) => [...reasons, item.excludedReason ?? ''],
};
const exact: Record<string, (p: Picture) => string> = {
  split: ({ item }) => item.split, format: ({ item }) => item.format ?? 'none', source: ({ item }) => item.captionSource, bucket: ({ bucket }) => (bucket ? `${bucket.width}x${bucket.height}` : 'none'),
};

export const folderOf = (file: string): string => file.split('/').slice(0, -1).join('/');

export const queryFields: readonly string[] = ['tag', 'issue', 'in', ...Object.keys(numbers), ...Object.keys(booleans), ...Object.keys(texts), ...Object.keys(exact)];

/** "1024", "1.5k", "2M" or "2mp", "16/9". */
function parseNumber(text: string): number | undefined {
  const ratio = /^(\d+(?:\.\d+)?)[/](\d+(?:\.\d+)?)$/.exec(text);
  if (ratio) return Number(ratio[1]) / Number(ratio[2]);
  const m = /^(-?\d+(?:\.\d+)?)(k|m|mp)?$/i.exec(text);
  return m ? Number(m[1]) * ({ k: 1e3, m: 1e6, mp: 1e6 }[m[2]?.toLowerCase() ?? ''] ?? 1) : undefined;
}

function numberTest(token: QueryToken, query: string): (v: number) => boolean {
  const range = /^(.+)\.\.(.+)$/.exec(token.text);
  const [a, b] = range ? [parseNumber(range[1]!), parseNumber(range[2]!)] : [parseNumber(token.text), 0];
  if (a === undefined || b === undefined) throw queryError(`${token.field} needs a number such as ${token.field}:>75 or ${token.field}:10..20, not "${token.text}"`, query, token.at);
  if (range) return (v) => v >= a && v <= b;
  const close = (v: number) => Math.abs(v - a) <= 1e-9 + Math.abs(a) * (token.field === 'aspect' ? 0.005 : 0);
  return ({ '>': (v) => v > a, '<': (v) => v < a, '>=': (v) => v >= a, '<=': (v) => v <= a, '!=': (v) => !close(v), '=': close, ':': close } satisfies Record<string, (v: number) => boolean>)[token.op!];
}

function booleanTest(token: QueryToken, query: string): boolean {
  if (/^(yes|true|1|on)$/i.test(token.text)) return true;
  if (/^(no|false|0|off)$/i.test(token.text)) return false;
  throw queryError(`${token.field} is yes or no`, query, token.at);
}

/** Text with "*" for any characters, compared as tags are. */
function tagTest(text: string): (tag: string) => boolean {
  const key = tagKey(text);
  if (!key.includes('*')) return (tag) => tagKey(tag) === key;
  const parts = key.split('*');
  return (tag) => matchesParts(tagKey(tag), parts);
}

/** Glob matching without regular expressions: the first part at the start, the last at the end, the others in order between. */
function matchesParts(text: string, parts: readonly string[]): boolean {
  const first = parts[0]!, last = parts.at(-1)!;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - last.length;
}

function issueTest(token: QueryToken, query: string): Predicate {
  const flag = token.text.toLowerCase();
  if (flag === 'any') return ({ flags }) => flags.length > 0;
  if (flag === 'none') return ({ flags }) => flags.length === 0;
  if (flag === 'duplicate') return ({ flags }) => flags.includes('exact-duplicate') || flags.includes('near-duplicate');
  if (!(datasetFlags as readonly string[]).includes(flag)) throw queryError(`there is no issue "${token.text}"; there are ${datasetFlags.join(', ')}, duplicate, any, none`, query, token.at);
  return ({ flags }) => flags.includes(flag as DatasetFlag);
}

const containsText = (needle: string) => { const wanted = needle.toLowerCase(); return (t: string) => t.toLowerCase().includes(wanted); };

/** The test that one word of a query stands for. Throws AppError dataset.query. */
export function predicateOf(token: QueryToken, query: string): Predicate {
  const { field } = token;
  if (field === undefined) {
    const has = containsText(token.text);
    return ({ item }) => item.captions.some(has) || has(item.file);
  }
  const negated = token.op === '!=';
  const compares = token.op !== ':' && token.op !== '=' && !negated;
  if (numbers[field]) { const test = numberTest(token, query), value = numbers[field]; return (p) => { const v = value(p); return v !== null && test(v); }; }
  if (compares) throw queryError(`"${token.op}" compares numbers, and ${field} is none (numbers: ${Object.keys(numbers).join(', ')})`, query, token.at);
  const plain = plainPredicate(token, field, query);
  return negated ? (p) => !plain(p) : plain;
}

function plainPredicate(token: QueryToken, field: string, query: string): Predicate {
  if (booleans[field]) { const wanted = booleanTest(token, query), value = booleans[field]; return (p) => value(p) === wanted; }
  if (field === 'issue') return issueTest(token, query);
  if (field === 'in') return ({ item }) => folderOf(item.file) === token.text;
  if (token.text === '' && !token.quoted) throw queryError(`${field}: needs a value`, query, token.at);
  if (field === 'tag') { const is = tagTest(token.text); return ({ item }) => item.captions.some((c) => splitTags(c).some(is)); }
  if (texts[field]) { const has = containsText(token.text), value = texts[field]; return (p) => value(p).some(has); }
  if (exact[field]) { const wanted = token.text.toLowerCase(), value = exact[field]; return (p) => value(p).toLowerCase() === wanted; }
  throw queryError(`there is no field "${field}"; there are ${queryFields.join(', ')}`, query, token.at);
}
