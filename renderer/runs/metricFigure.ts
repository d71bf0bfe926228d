/** The chart of a view as it is drawn now: for the screen and for a file. */
import type { Figure } from '../charts/figure.ts';
import type { Range } from '../charts/line.ts';
import type { ArmKind } from '../ui/arms.ts';
import { metricLines } from './metricLines.ts';
import type { Metrics } from './metrics.svelte.ts';
import type { MetricView } from './metricViews.ts';

export interface Look { arm: ArmKind; /** time constant of the smoothing, in steps */ tau: number; logY: boolean; range: Range | null }

/** Those of `names` that the patterns ("lpl/*" or a whole name) ask for, in the order of the patterns. */
export const matching = (patterns: readonly string[], names: readonly string[]): string[] =>
  patterns.flatMap((p) => names.filter((n) => (p.endsWith('*') ? n.startsWith(p.slice(0, -1)) : n === p)));

export function metricFigure(view: MetricView, metrics: Metrics, { arm, tau, logY, range }: Look): Figure {
  const lines = metricLines(matching(view.metrics, metrics.names), (n) => metrics.of(n), arm, view.smoothed ? tau : 0);
  return { title: view.title, lines, xName: 'step', yName: view.unit, logY, range, yFormat: view.format };
}
