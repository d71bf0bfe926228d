/**
 * Chart.js with only what line charts need: axes, zoom and layout. The lines themselves are drawn as canvas paths: Chart.js
 * makes an object of every point, which at fifty live metrics costs more than a frame.
 */
import { Chart, LinearScale, LineController, LineElement, LogarithmicScale, PointElement, type ChartConfiguration, type Plugin } from 'chart.js';
import zoomPlugin from 'chartjs-plugin-zoom';
import { strokeLines, type DrawnLine, type Extent } from './drawnLines.ts';
import type { Range } from './line.ts';

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, zoomPlugin);

export interface ChartView { logY: boolean; range: Range | null; yFormat: (y: number) => string }
export type LineConfig = ChartConfiguration<'line', { x: number; y: number }[]>;

const cache = new Map<string, string>();
let cachedTheme: string | undefined;
/** A colour token in the present theme; read from the page once a theme. */
export function token(name: string): string {
  const { theme } = document.documentElement.dataset;
  if (theme !== cachedTheme) { cache.clear(); cachedTheme = theme; }
  const known = cache.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  cache.set(name, known);
  return known;
}
const axis = () => ({ grid: { color: token('--line'), tickColor: 'transparent' }, border: { display: false }, ticks: { color: token('--text-3'), font: { size: 11 }, maxRotation: 0, autoSkipPadding: 16 } });

/** Two unseen points that tell Chart.js how far the axes must reach. */
export const dataOf = (extent: Extent | null): LineConfig['data'] => ({
  datasets: [{ data: extent ? [{ x: extent.x[0], y: extent.y[0] }, { x: extent.x[1], y: extent.y[1] }] : [], showLine: false, pointRadius: 0, pointHitRadius: 0 }],
});

export function optionsOf(view: ChartView, onZoom: (range: Range) => void): NonNullable<LineConfig['options']> {
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

/** Strokes the lines in Chart.js's own coordinates, and says afterwards where they lie. */
export const linesPlugin = (lines: () => readonly DrawnLine[], drawn: (chart: Chart) => void): Plugin<'line'> => ({
  id: 'lines',
  beforeDatasetsDraw(chart) {
    const { x, y } = chart.scales;
    if (!x || !y) return;
    const { left, top, width, height } = chart.chartArea;
    chart.ctx.save();
    chart.ctx.beginPath();
    chart.ctx.rect(left, top - 2, width, height + 4);
    chart.ctx.clip();
    strokeLines(chart.ctx, lines(), (v) => x.getPixelForValue(v), (v) => y.getPixelForValue(v), token);
    chart.ctx.restore();
  },
  afterDraw: (chart) => drawn(chart as unknown as Chart),
});

export { Chart };
