/** A chart as a file: an SVG drawing with title, axes and legend, and the numbers in it as CSV. */
import type { Line, Range } from './line.ts';
import { thin } from './thin.ts';
import { linearTicks, logTicks } from './ticks.ts';

export interface Figure { title: string; lines: readonly Line[]; xName: string; yName: string; logY: boolean; range: Range | null; yFormat: (y: number) => string }
/** A colour token of the window, "--text", as a colour. */
export type Colours = (token: string) => string;
interface Box { left: number; right: number; top: number; bottom: number }
interface Scale { domain: Range; at: (value: number) => number; ticks: number[] }

const LINE = 18;
const CHARACTER = 6.3; // a wide guess of a character at 12 px, so that legend entries never overlap
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const px = (n: number): string => String(Math.round(n * 100) / 100);

/** Smallest and largest of the visible finite values; on a log axis of those above zero. */
function extent(figure: Figure, axis: 'x' | 'y'): Range {
  let [min, max] = [Infinity, -Infinity];
  for (const line of figure.lines) {
    for (const values of axis === 'x' ? [line.x] : [line.y, ...(line.band ? [line.band.low, line.band.high] : [])]) {
      values.forEach((v, i) => {
        const x = line.x[i]!;
        if (!Number.isFinite(v) || (axis === 'y' && figure.logY && v <= 0) || (figure.range && (x < figure.range[0] || x > figure.range[1]))) return;
        min = Math.min(min, v);
        max = Math.max(max, v);
      });
    }
  }
  if (min > max) return [0, 1];
  return min === max ? [min - Math.abs(min || 1) / 2, max + Math.abs(max || 1) / 2] : [min, max];
}

function scaleOf(domain: Range, from: number, to: number, log: boolean): Scale {
  const f = log ? Math.log10 : (v: number): number => v;
  const [low, high] = [f(domain[0]), f(domain[1])];
  return { domain, at: (v) => from + ((f(v) - low) / (high - low || 1)) * (to - from), ticks: log ? logTicks(domain[0], domain[1]) : linearTicks(domain[0], domain[1]) };
}

/** Legend entries placed one after the other, in as many rows as they need. */
function legend(figure: Figure, width: number, colours: Colours): { svg: string; rows: number } {
  let [x, row, svg] = [0, 0, ''];
  for (const line of figure.lines.filter((l) => !l.faint)) {
    const size = 30 + line.label.length * CHARACTER + 14;
    if (x > 0 && x + size > width) { x = 0; row += 1; }
    const y = row * LINE + 12;
    svg += `<path d="M${px(x)} ${y - 4}h20" stroke="${colours(line.colour)}" stroke-width="2.2"${dashOf(line)}/><text x="${px(x + 27)}" y="${y}" fill="${colours('--text')}">${escape(line.label)}</text>`;
    x += size;
  }
  return { svg, rows: row + 1 };
}
const dashOf = (line: Line): string => (line.dash?.length && !line.faint ? ` stroke-dasharray="${line.dash.join(' ')}"` : '');

function path(line: Line, y: readonly number[], x: Scale, scale: Scale, columns: number, log: boolean): string {
  const kept = thin(line.x, y, x.domain[0], x.domain[1], columns);
  let d = '';
  let broken = true;
  kept.x.forEach((value, i) => {
    const v = kept.y[i]!;
    if (!Number.isFinite(v) || (log && v <= 0)) { broken = true; return; }
    d += `${broken ? 'M' : 'L'}${px(x.at(value))} ${px(scale.at(v))}`;
    broken = false;
  });
  return d;
}

function band(line: Line, x: Scale, y: Scale, columns: number, log: boolean, colours: Colours): string {
  if (!line.band) return '';
  const [up, down] = [path(line, line.band.high, x, y, columns, log), path(line, line.band.low, x, y, columns, log)];
  const back = down.slice(1).split('L').reverse().join('L');
  return up && back && !down.slice(1).includes('M') && !up.slice(1).includes('M') ? `<path d="${up}L${back}Z" fill="${colours(line.colour)}" fill-opacity="0.15"/>` : '';
}

function axes(figure: Figure, box: Box, x: Scale, y: Scale, colours: Colours): string {
  const grid = `stroke="${colours('--line')}"`;
  const label = `fill="${colours('--text-2')}"`;
  const down = x.ticks.map((t) => `<path d="M${px(x.at(t))} ${box.top}V${box.bottom}" ${grid}/><text x="${px(x.at(t))}" y="${box.bottom + 17}" text-anchor="middle" ${label}>${t.toLocaleString('en-US')}</text>`);
  const across = y.ticks.map((t) => `<path d="M${box.left} ${px(y.at(t))}H${box.right}" ${grid}/><text x="${box.left - 8}" y="${px(y.at(t) + 4)}" text-anchor="end" ${label}>${escape(figure.yFormat(t))}</text>`);
  const names = `<text x="${(box.left + box.right) / 2}" y="${box.bottom + 36}" text-anchor="middle" ${label}>${escape(figure.xName)}</text>`
    + `<text transform="translate(16 ${(box.top + box.bottom) / 2}) rotate(-90)" text-anchor="middle" ${label}>${escape(figure.yName)}</text>`;
  return [...down, ...across, names].join('');
}

/** The visible part of the chart, stand-alone, in the window's present colours. */
export function svgOf(figure: Figure, colours: Colours, width = 960, height = 540): string {
  const inner = width - 92 - 20;
  const key = legend(figure, inner, colours);
  const box: Box = { left: 92, right: width - 20, top: 44 + key.rows * LINE, bottom: height - 48 };
  const x = scaleOf(figure.range ?? extent(figure, 'x'), box.left, box.right, false);
  const y = scaleOf(extent(figure, 'y'), box.bottom, box.top, figure.logY);
  const lines = figure.lines.toReversed().map((l) => band(l, x, y, inner, figure.logY, colours)
    + `<path d="${path(l, l.y, x, y, inner, figure.logY)}" stroke="${colours(l.colour)}" stroke-width="${l.faint ? 1 : 2}"${l.faint ? ' stroke-opacity="0.35"' : ''}${dashOf(l)} stroke-linejoin="round"/>`).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="none">`
    + `<rect width="${width}" height="${height}" fill="${colours('--raised')}"/><text x="${box.left}" y="26" font-size="16" font-weight="600" fill="${colours('--text')}">${escape(figure.title)}</text>`
    + `<g transform="translate(${box.left} 36)">${key.svg}</g>${axes(figure, box, x, y, colours)}`
    + `<clipPath id="plot"><rect x="${box.left}" y="${box.top - 2}" width="${box.right - box.left}" height="${box.bottom - box.top + 4}"/></clipPath><g clip-path="url(#plot)">${lines}</g></svg>\n`;
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The numbers of the visible part: one row per point, with the edges of the band where there is one. */
export function csvOf(figure: Figure): string {
  const banded = figure.lines.some((l) => l.band);
  const rows = figure.lines.filter((l) => !l.faint).flatMap((l) => l.x.flatMap((x, i) => (figure.range && (x < figure.range[0] || x > figure.range[1]) ? [] : [
    [quoted(l.label), x, l.y[i], ...(banded ? [l.band?.low[i] ?? '', l.band?.high[i] ?? ''] : [])].join(',')])));
  return `${[['line', quoted(figure.xName), 'value', ...(banded ? ['low', 'high'] : [])].join(','), ...rows].join('\n')}\n`;
}
