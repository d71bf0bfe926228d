/** The client of this window, and shorthands for it. Connected once, before the first component is made. */
import { toAppError, type AppErrorData } from '../../main/contract/errors.ts';
import type { MethodName, Params, Result } from '../../main/contract/methods.ts';
import { Client } from './client.ts';
import type { Transport } from './transport.ts';

export let client: Client;
export function connect(transport: Transport): void { client = new Client(transport); }

export const call = <M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> => client.call(method, params);

/** Like `call`, with the error as a value: for places that show it where it happened. */
export async function attempt<M extends MethodName>(method: M, params: Params<M>): Promise<{ result: Result<M>; error: null } | { result: null; error: AppErrorData }> {
  try {
    return { result: await call(method, params), error: null };
  } catch (error) {
    return { result: null, error: toAppError(error) };
  }
}
