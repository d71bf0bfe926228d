/** Line charts as SVG text, for reports that open without the app. */
import { escape } from './escape.ts';
import type { ArmStyle } from './styles.ts';

export interface ReportSeries { label: string; style: ArmStyle; points: { x: number; mean: number; low: number; high: number }[] }

const [width, height, left, right, top, bottom] = [520, 260, 64, 12, 12, 34];

/** 1, 2 or 5 × 10ⁿ steps, about `count` of them. */
export function ticks(low: number, high: number, count = 5): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough)!;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const short = (v: number): string => (v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? v.toExponential(1) : String(Number(v.toPrecision(4))));

/** A chart with one line an arm and a band between its lowest and highest repetition. Empty text without points. */
export function svgCurves(title: string, xLabel: string, series: readonly ReportSeries[], logY = false): string {
  const all = series.flatMap((s) => s.points);
  if (!all.length) return '';
  const f = (v: number): number => (logY ? Math.log10(v) : v);
  const [x0, x1] = [Math.min(...all.map((p) => p.x)), Math.max(...all.map((p) => p.x))];
  const [y0, y1] = [Math.min(...all.map((p) => f(p.low))), Math.max(...all.map((p) => f(p.high)))];
  const X = (v: number): number => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
  const Y = (v: number): number => height - bottom - ((f(v) - y0) / (y1 - y0 || 1)) * (height - top - bottom);
  const at = (x: number, y: number): string => `${X(x).toFixed(1)},${Y(y).toFixed(1)}`;
  const grid = ticks(y0, y1).map((v) => { const value = logY ? 10 ** v : v; const y = Y(value).toFixed(1); return `<line class="grid" x1="${left}" x2="${width - right}" y1="${y}" y2="${y}"/><text x="${left - 6}" y="${y}" class="y">${short(value)}</text>`; });
  const marks = ticks(x0, x1).map((v) => `<text x="${X(v).toFixed(1)}" y="${height - bottom + 16}" class="x">${short(v)}</text>`);
  const lines = series.filter((s) => s.points.length).map(({ style, points }) => {
    const band = `${points.map((p) => at(p.x, p.high)).join(' ')} ${points.toReversed().map((p) => at(p.x, p.low)).join(' ')}`;
    return `<polygon points="${band}" fill="${style.color}" opacity="0.15"/><polyline points="${points.map((p) => at(p.x, p.mean)).join(' ')}" fill="none" stroke="${style.color}" stroke-width="2" stroke-dasharray="${style.dash}"/>`;
  });
  const legend = series.filter((s) => s.points.length).map(({ label, style }) => `<span><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><line x1="0" x2="24" y1="4" y2="4" stroke="${style.color}" stroke-width="2.5" stroke-dasharray="${style.dash}"/></svg>${escape(label)}</span>`).join('');
  return `<figure><figcaption>${escape(title)}</figcaption><div class="legend">${legend}</div><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">${grid.join('')}${marks.join('')}${lines.join('')}<text x="${(left + width - right) / 2}" y="${height - 4}" class="x">${escape(xLabel)}</text></svg></figure>`;
}
