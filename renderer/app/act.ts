/** Calls a method for a button: a failure becomes a message at the foot of the window. */
import type { MethodName, Params, Result } from '../../main/contract/methods.ts';
import { call } from '../api/api.ts';
import { toasts } from './toasts.svelte.ts';

export async function act<M extends MethodName>(method: M, params: Params<M>, done?: string): Promise<Result<M> | null> {
  try {
    const result = await call(method, params);
    if (done) toasts.info(done);
    return result;
  } catch (error) {
    toasts.fail(error);
    return null;
  }
}
