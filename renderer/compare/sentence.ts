/** The state of a comparison in one sentence. */
import type { Comparison } from '../../main/contract/compare.ts';
import { count, duration, plural } from '../ui/format.ts';

export function comparisonSentence(c: Comparison): string {
  const runs = plural(c.arms.reduce((n, a) => n + a.runs.length, 0), 'run');
  const left = c.eta_s === null ? '' : `, about ${duration(c.eta_s)} left`;
  switch (c.state) {
    case 'draft': return `${runs} planned. Nothing has been trained yet.`;
    case 'waiting': return `${runs} waiting in the queue.`;
    case 'training': return `Training, step ${count(c.done_steps)} of ${count(c.total_steps)} in all${left}.`;
    case 'trained': return c.evaluated_at === null ? `${runs} trained. Not measured yet.` : `${runs} trained and measured.`;
    case 'stopped': return `Some runs ended before their time (step ${count(c.done_steps)} of ${count(c.total_steps)} in all).`;
  }
}
