/** Chart.js with only what line charts need, and its options in our colours. */
import { Chart, Filler, LinearScale, LineController, LineElement, LogarithmicScale, PointElement, type ChartConfiguration, type Plugin } from 'chart.js';
import zoomPlugin from 'chartjs-plugin-zoom';
import type { Line, Range } from './line.ts';

Chart.register(Filler, LineController, LineElement, PointElement, LinearScale, LogarithmicScale, zoomPlugin);

export interface ChartView { logY: boolean; range: Range | null; yFormat: (y: number) => string }
type Config = ChartConfiguration<'line', { x: number; y: number }[]>;

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const axis = () => ({ grid: { color: token('--line'), tickColor: 'transparent' }, border: { display: false }, ticks: { color: token('--text-3'), font: { size: 11 }, maxRotation: 0, autoSkipPadding: 16 } });

/** The two edges of a line's band, filled between, behind the line. */
function bandOf(line: Line, logY: boolean): Config['data']['datasets'] {
  if (!line.band) return [];
  const edge = { ...line, dash: [], faint: false, label: '' };
  const [high, low] = [line.band.high, line.band.low].map((y) => ({ ...dataset({ ...edge, y }, logY), borderWidth: 0, pointRadius: 0 }));
  return [{ ...high!, fill: '+1', backgroundColor: `${token(line.colour)}26` }, low!];
}

function dataset(line: Line, logY: boolean): Config['data']['datasets'][number] {
  const colour = token(line.colour);
  const points = [];
  for (let i = 0; i < line.x.length; i += 1) if (!logY || line.y[i]! > 0) points.push({ x: line.x[i]!, y: line.y[i]! });
  return { data: points, borderColor: line.faint ? `${colour}55` : colour, borderWidth: line.faint ? 1 : 2, borderDash: [...(line.dash ?? [])], pointRadius: points.length === 1 ? 2.5 : 0, pointBackgroundColor: colour, pointHitRadius: 0, spanGaps: false };
}

export const dataOf = (lines: readonly Line[], logY: boolean): Config['data'] => ({ datasets: [...lines.map((l) => dataset(l, logY)), ...lines.flatMap((l) => bandOf(l, logY))] });

export function optionsOf(view: ChartView, onZoom: (range: Range) => void): NonNullable<Config['options']> {
  const [min, max] = view.range ?? [undefined, undefined];
  return {
    animation: false, parsing: false, normalized: true, responsive: true, maintainAspectRatio: false, events: [],
    layout: { padding: { right: 6 } },
    scales: {
      x: { type: 'linear', ...axis(), ...(min === undefined ? {} : { min, max: max! }), ticks: { ...axis().ticks, precision: 0 } },
      y: { type: view.logY ? 'logarithmic' : 'linear', ...axis(), ticks: { ...axis().ticks, maxTicksLimit: 6, callback: (y) => view.yFormat(Number(y)) } },
    },
    plugins: { zoom: { zoom: { mode: 'x', drag: { enabled: true, threshold: 6, backgroundColor: `${token('--accent')}33` }, wheel: { enabled: true, modifierKey: 'ctrl' }, onZoomComplete: ({ chart }) => onZoom([chart.scales.x!.min, chart.scales.x!.max]) } } },
  };
}

/** Draws a vertical line at the x that `at` tells, in every chart that shares the hover. */
export const crosshair = (at: () => number | null): Plugin<'line'> => ({
  id: 'crosshair',
  afterDraw(chart) {
    const x = at();
    const scale = chart.scales.x;
    if (x === null || !scale || x < scale.min || x > scale.max) return;
    const px = scale.getPixelForValue(x);
    chart.ctx.save();
    chart.ctx.strokeStyle = token('--text-3');
    chart.ctx.beginPath();
    chart.ctx.moveTo(px, chart.chartArea.top);
    chart.ctx.lineTo(px, chart.chartArea.bottom);
    chart.ctx.stroke();
    chart.ctx.restore();
  },
});

export { Chart };
