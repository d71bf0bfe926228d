/** How far an evaluation is: done of total in units of one network evaluation, with the time left, and whether to go on. */
import type { EvaluationProgress } from '../../contract/evaluation.ts';

export type OnProgress = (progress: Omit<EvaluationProgress, 'type'>) => void;
export interface Work {
  readonly signal: AbortSignal | undefined;
  /** Announces work that is to be done. */
  plan(units: number): void;
  /** Says what is done, with `units` more; throws the signal's reason when aborted. */
  did(text: string, units: number): void;
}

const SAY_EVERY_MS = 250;

export function workProgress(onProgress: OnProgress | undefined, signal: AbortSignal | undefined): Work {
  const began = performance.now();
  let total = 0, done = 0, said = 0;
  return {
    signal,
    plan: (units) => { total += units; },
    did(text, units) {
      signal?.throwIfAborted();
      done += units;
      const now = performance.now();
      if (now - said < SAY_EVERY_MS && done < total) return;
      said = now;
      onProgress?.({ text, done: Math.round(done), total: Math.round(total), eta_s: done > 0 ? ((now - began) / 1000 / done) * Math.max(0, total - done) : null });
    },
  };
}
