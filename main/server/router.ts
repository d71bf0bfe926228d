/** The core's door: every call is validated against the contract before a handler sees it, every error leaves as AppErrorData. */
import type { z } from 'zod';
import { AppError, toAppError } from '../contract/errors.ts';
import { methods, type MethodName } from '../contract/methods.ts';
import type { Reply } from '../contract/wire.ts';
import type { Hub } from '../services/hub.ts';

export type AnyHandler = (params: never) => unknown;
export type HandlerTable = Partial<Record<MethodName, AnyHandler>>;
export type Call = (name: string, params: unknown) => Promise<Reply>;

const describe = (issue: z.core.$ZodIssue): string => `${issue.path.join('.') || 'parameters'}: ${issue.message}`;

function find(handlers: HandlerTable, name: string): AnyHandler {
  const handler = Object.hasOwn(handlers, name) ? handlers[name as MethodName] : undefined;
  if (handler) return handler;
  if (name.startsWith('shell.') && Object.hasOwn(methods, name)) {
    throw new AppError('shell.unavailable', `${name} needs the desktop app.`, 'Use the folder chooser of the page instead.', { method: name });
  }
  throw new AppError('method.unknown', `There is no method ${JSON.stringify(name.slice(0, 100))}.`, 'Reload the page: it may be older than the app.', {});
}

function parse(name: MethodName, params: unknown): unknown {
  const parsed = methods[name].params.safeParse(params ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 20).map(describe);
  throw new AppError('params.invalid', `${name} was called with wrong parameters: ${issues.join('; ')}`, 'Correct the values named.', { method: name, issues });
}

/** `checkResults` (tests) also holds what handlers return against the contract. */
export function createRouter(handlers: HandlerTable, hub: Hub, options: { checkResults?: boolean; log?: (line: string) => void; /** makes errors of the database and the disk speak */ explain?: (error: unknown) => unknown } = {}): Call {
  return async (name, params) => {
    const n = hub.last; // what happens while the handler works may be in its result or not: it is sent again
    try {
      const handler = find(handlers, name);
      const started = performance.now();
      const value = await handler(parse(name as MethodName, params) as never);
      const took = performance.now() - started;
      if (took > 250) options.log?.(`slow call: ${name} took ${Math.round(took)} ms`);
      const result = options.checkResults ? methods[name as MethodName].result.parse(value) : value;
      return { epoch: hub.epoch, n, result };
    } catch (error) {
      const data = toAppError(options.explain?.(error) ?? error);
      if (data.code === 'internal') options.log?.(`error in ${name}: ${(error as Error).stack ?? String(error)}`);
      return { epoch: hub.epoch, n, error: data };
    }
  };
}
