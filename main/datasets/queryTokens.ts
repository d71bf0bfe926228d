/** Words of the filter language: quoted strings, brackets, `field:value`, `field>value`. */
import { AppError } from '../contract/errors.ts';

export interface QueryToken {
  kind: 'word' | 'open' | 'close' | 'and' | 'or' | 'not' | 'end';
  /** the word, or a field's value */
  text: string;
  /** lower case; undefined: free text */
  field?: string;
  op?: ':' | '>' | '<' | '>=' | '<=' | '=' | '!=';
  quoted: boolean;
  /** characters from the beginning of the query */
  at: number;
}

export const queryError = (message: string, query: string, at: number): AppError => new AppError('dataset.query', `The filter cannot be read at character ${at + 1}: ${message}.`, 'Example: tag:cat AND NOT (blurry OR tokens:>75) width:>=1024 excluded:no', { query, at });

const operators = /^(>=|<=|!=|[:=<>])/;

function readString(query: string, at: number): { text: string; next: number } {
  let text = '';
  for (let i = at + 1; i < query.length; i++) {
    if (query[i] === '"') return { text, next: i + 1 };
    if (query[i] === '\\' && i + 1 < query.length) i++;
    text += query[i];
  }
  throw queryError('a quote is not closed', query, at);
}

const readBare = (query: string, at: number): { text: string; next: number } => {
  const text = /^[^\s()"]+/.exec(query.slice(at))?.[0] ?? '';
  return { text, next: at + text.length };
};
const readValue = (query: string, at: number): { text: string; next: number; quoted: boolean } => (query[at] === '"' ? { ...readString(query, at), quoted: true } : { ...readBare(query, at), quoted: false });

function readWord(query: string, at: number): { token: QueryToken; next: number } {
  const name = /^[A-Za-z_]+(?=>=|<=|!=|[:=<>])/.exec(query.slice(at))?.[0];
  if (name !== undefined) {
    let next = at + name.length;
    let op = operators.exec(query.slice(next))![0];
    next += op.length;
    const second = op === ':' ? operators.exec(query.slice(next))?.[0] : undefined;
    if (second && second !== ':') { op = second; next += second.length; }
    const value = readValue(query, next);
    return { token: { kind: 'word', text: value.text, field: name.toLowerCase(), op: op as NonNullable<QueryToken['op']>, quoted: value.quoted, at }, next: value.next };
  }
  const value = readValue(query, at);
  const keyword = value.quoted ? undefined : ({ AND: 'and', OR: 'or', NOT: 'not', '&&': 'and', '||': 'or', '!': 'not' } as const)[value.text];
  return { token: { kind: keyword ?? 'word', text: value.text, quoted: value.quoted, at }, next: value.next };
}

/** All tokens of a query and an end mark. Throws AppError dataset.query. */
export function tokenizeQuery(query: string): QueryToken[] {
  const tokens: QueryToken[] = [];
  for (let i = 0; i < query.length;) {
    if (/\s/.test(query[i]!)) { i++; continue; }
    const single = ({ '(': 'open', ')': 'close' } as const)[query[i]!];
    const negated = query[i] === '-' && /[^\s]/.test(query[i + 1] ?? ' ');
    if (single || negated) { tokens.push({ kind: single ?? 'not', text: query[i]!, quoted: false, at: i }); i++; continue; }
    const { token, next } = readWord(query, i);
    tokens.push(token);
    i = next;
  }
  tokens.push({ kind: 'end', text: '', quoted: false, at: query.length });
  return tokens;
}
