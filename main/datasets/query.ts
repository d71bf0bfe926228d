/**
 * The filter language of data sets. Free words look in captions and file names; `tag:cat`, `tokens:>75`, `aspect:>=16/9`,
 * `excluded:yes`, `issue:blurred` ask for more; NOT (or -), AND (or nothing), OR and brackets combine, in that order of strength.
 */
import { predicateOf, type Predicate } from './queryFields.ts';
import { queryError, tokenizeQuery, type QueryToken } from './queryTokens.ts';

const MAX_DEPTH = 100;

class Parser {
  private at = 0;
  private depth = 0;
  private readonly tokens: QueryToken[];
  private readonly query: string;
  constructor(query: string) { this.query = query; this.tokens = tokenizeQuery(query); }

  private peek(): QueryToken { return this.tokens[this.at]!; }
  private fail(message: string): never { throw queryError(message, this.query, this.peek().at); }

  whole(): Predicate {
    if (this.peek().kind === 'end') return () => true;
    const result = this.or();
    if (this.peek().kind === 'close') this.fail('a bracket is closed that was not opened');
    return result;
  }

  private or(): Predicate {
    let left = this.and();
    while (this.peek().kind === 'or') {
      this.at++;
      const a = left, b = this.and();
      left = (p) => a(p) || b(p);
    }
    return left;
  }

  private and(): Predicate {
    let left = this.not();
    for (;;) {
      const { kind } = this.peek();
      if (kind === 'and') this.at++;
      else if (kind !== 'word' && kind !== 'open' && kind !== 'not') return left;
      const a = left, b = this.not();
      left = (p) => a(p) && b(p);
    }
  }

  private not(): Predicate {
    if (++this.depth > MAX_DEPTH) this.fail('too many brackets inside each other');
    try {
      if (this.peek().kind !== 'not') return this.atom();
      this.at++;
      const inner = this.not();
      return (p) => !inner(p);
    } finally { this.depth--; }
  }

  private atom(): Predicate {
    const token = this.peek();
    if (token.kind === 'word') { this.at++; return predicateOf(token, this.query); }
    if (token.kind !== 'open') this.fail(token.kind === 'end' ? 'something is missing at the end' : `"${token.text}" cannot stand here`);
    this.at++;
    const inner = this.or();
    if (this.peek().kind !== 'close') this.fail('a bracket is not closed');
    this.at++;
    return inner;
  }
}

/** The test that a query stands for; an empty query finds everything. Throws AppError dataset.query naming the place. */
export function parseQuery(query: string): Predicate {
  return new Parser(query).whole();
}
