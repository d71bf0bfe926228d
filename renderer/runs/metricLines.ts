/** Metrics as lines of a chart: the run's arm gives the main line its colour. */
import { layerColours, layerDashes, type Line } from '../charts/line.ts';
import { smooth } from '../charts/smoothing.ts';
import { armStyle, type ArmKind } from '../ui/arms.ts';
import type { Points } from './metrics.svelte.ts';
import { metricTitle } from './metricViews.ts';

/** Behind more smoothed lines than this, the raw values would only be a grey carpet. */
const MANY = 8;

/** `tau`: time constant of the smoothing in steps; 0 draws the raw values only. */
export function metricLines(names: readonly string[], of: (name: string) => Points, arm: ArmKind, tau: number): Line[] {
  const shown = names.map((name) => ({ name, points: of(name) })).filter(({ points }) => points.x.length > 0);
  const raw: Line[] = [];
  const main = shown.map(({ name, points }, i): Line => {
    const line: Line = { id: name, label: metricTitle(name), x: points.x, y: points.y, ...lineStyle(i, arm) };
    if (tau <= 0) return line;
    if (shown.length <= MANY) raw.push({ ...line, id: `${name} raw`, dash: [], faint: true });
    return { ...line, y: smooth(points.x, points.y, tau) };
  });
  return [...main, ...raw];
}

/** The first line lies on top, in its arm's colour and dash. */
function lineStyle(i: number, arm: ArmKind): Pick<Line, 'colour' | 'dash'> {
  if (i === 0) return { colour: armStyle[arm].token, dash: armStyle[arm].dash };
  const others = layerColours.filter((c) => c !== '--chart-2');
  return { colour: others[(i - 1) % others.length]!, dash: layerDashes[i % layerDashes.length]! };
}
