/** The state of a comparison in one sentence. */
import type { Comparison } from '../../main/contract/compare.ts';
import { count, duration, plural } from '../ui/format.ts';

type State = Comparison['arms'][number]['runs'][number]['state'];

/** Paused on purpose, or which arms have a run that failed. */
function endedEarly({ arms, done_steps, total_steps }: Comparison): string {
  const at = `step ${count(done_steps)} of ${count(total_steps)} in all`;
  const having = (...states: State[]): string[] => arms.filter((a) => a.runs.some((r) => states.includes(r.state))).map((a) => `“${a.label}”`);
  const failed = having('failed', 'lost'), runs = arms.flatMap((a) => a.runs);
  if (failed.length) return `A run of ${failed.join(' and ')} ended with an error (${at}). The others are kept; “Go on” tries it again from its last checkpoint.`;
  if (runs.some((r) => r.state === 'paused') || runs.every((r) => r.state === 'draft' || r.state === 'finished')) return `Paused at ${at}. It goes on where it stood.`;
  return `Stopped at ${at}. It can go on from the last checkpoints.`;
}

export function comparisonSentence(c: Comparison): string {
  const runs = plural(c.arms.reduce((n, a) => n + a.runs.length, 0), 'run');
  const left = c.eta_s === null ? '' : `, about ${duration(c.eta_s)} left`;
  switch (c.state) {
    case 'draft': return `${runs} planned. Nothing has been trained yet.`;
    case 'waiting': return `${runs} waiting in the queue.`;
    case 'training': return `Training, step ${count(c.done_steps)} of ${count(c.total_steps)} in all${left}.`;
    case 'trained': return c.evaluated_at === null ? `${runs} trained. Not measured yet.` : `${runs} trained and measured.`;
    case 'stopped': return endedEarly(c);
  }
}
