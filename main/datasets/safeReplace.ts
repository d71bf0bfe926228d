/** Find and replace over many captions with a person's regular expression, which may be one that never ends. */
import vm from 'node:vm';
import { AppError } from '../contract/errors.ts';

export interface Replacement { find: string; replace: string; regex: boolean; caseSensitive: boolean }

/** Time for all captions together; a sane expression takes milliseconds on 100,000. */
const LIMIT_MS = 3_000;
const script = new vm.Script('texts.map((t) => t.replace(pattern, replace))');

/** A pattern of the person's text. Throws AppError dataset.regex. */
export function compilePattern({ find, regex, caseSensitive }: Replacement): RegExp {
  try {
    return new RegExp(regex ? find : find.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), caseSensitive ? 'gu' : 'giu');
  } catch (error) {
    throw new AppError('dataset.regex', `The regular expression cannot be read: ${(error as Error).message}.`, 'Correct it, or switch regular expressions off to look for the text as it stands.', { find });
  }
}

/**
 * Every text with the replacement made ($1, $<name> and $& work in regex mode). Runs in V8's own context with a time limit, which stops
 * catastrophic backtracking. Throws AppError dataset.regex, dataset.regex_slow.
 */
export function replaceAll(texts: readonly string[], replacement: Replacement): string[] {
  const pattern = compilePattern(replacement);
  const replace = replacement.regex ? replacement.replace : replacement.replace.replaceAll('$', '$$$$');
  try {
    return Array.from(script.runInNewContext({ texts, pattern, replace }, { timeout: LIMIT_MS }) as string[], String);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new AppError('dataset.regex_slow', `The regular expression did not finish within ${LIMIT_MS / 1000} seconds; nothing was changed.`, 'Repeats inside repeats such as (a+)+ can take for ever: write it without them.', { find: replacement.find });
  }
}
