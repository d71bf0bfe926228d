/** Pauses, stops or kills a run. That it has ended by itself just before is no error: it is said how. */
import type { Params } from '../../main/contract/methods.ts';
import type { Run } from '../../main/contract/runs.ts';
import { attempt } from '../api/api.ts';
import { toasts } from '../app/toasts.svelte.ts';
import { stateSentence } from './sentence.ts';

export const endedTitle = ({ name }: Pick<Run, 'name'>): string => `“${name}” is no longer under way`;

export async function endRun<M extends 'runs.pause' | 'runs.stop' | 'runs.kill'>(method: M, params: Params<M>): Promise<void> {
  const { error } = await attempt(method, params);
  if (!error) return;
  const now = error.code === 'run.wrong_state' ? (await attempt('runs.get', { id: params.id })).result : null;
  if (now) toasts.info(endedTitle(now), stateSentence(now)); else toasts.fail(error);
}
