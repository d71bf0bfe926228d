/** Charts as they are drawn and saved: thinning loses no spike, ticks are round, SVG and CSV carry what is visible. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawnLines, extentOf, strokeLines } from '../../renderer/charts/drawnLines.ts';
import { csvOf, svgOf, type Figure } from '../../renderer/charts/figure.ts';
import { thin } from '../../renderer/charts/thin.ts';
import { linearTicks, logTicks } from '../../renderer/charts/ticks.ts';

const series = fc.array(fc.double({ noNaN: true, min: -1e3, max: 1e3 }), { minLength: 200, maxLength: 1_000, size: 'max' });
const figure = (over: Partial<Figure> = {}): Figure => ({
  title: 'Loss & more', xName: 'step', yName: 'loss', logY: false, range: null, yFormat: String,
  lines: [{ id: 'a', label: 'LPL, <one>', x: [0, 50, 100], y: [1, 3, 2], colour: '--arm-lpl', dash: [2, 3], band: { low: [0.5, 2, 1], high: [2, 4, 3] } }, { id: 'r', label: 'raw', x: [0, 100], y: [1, 9], colour: '--arm-lpl', faint: true }], ...over,
});
const colour = (token: string): string => (token === '--arm-lpl' ? '#f5a05a' : '#111111');

describe('thinning', () => {
  it('keeps the first, the last and every extreme, and at most four points a column', () => {
    fc.assert(fc.property(series, fc.integer({ min: 1, max: 40 }), (y, columns) => {
      const x = y.map((_, i) => i);
      const got = thin(x, y, 0, y.length - 1, columns);
      expect(got.x.length).toBeLessThanOrEqual(Math.max(4 * (columns + 1), 4 * columns));
      expect([got.x[0], got.x.at(-1)]).toEqual([0, y.length - 1]);
      expect([Math.min(...got.y), Math.max(...got.y)]).toEqual([Math.min(...y), Math.max(...y)]);
      expect(got.x).toEqual([...new Set(got.x)].sort((a, b) => a - b));
    }), { numRuns: 40 });
  });
  it('keeps one neighbour on each side of the visible range, so that the line leaves the picture', () => {
    const x = Array.from({ length: 100 }, (_, i) => i);
    expect(thin(x, x, 40, 50, 100).x).toEqual(Array.from({ length: 13 }, (_, i) => 39 + i).filter((v) => v <= 51));
  });
  it('gives fifty lines together no more points than one drawing may cost', () => {
    const x = Array.from({ length: 3_600 }, (_, i) => i);
    const y = x.map((v) => Math.sin(v * 12.9));
    const lines = Array.from({ length: 50 }, (_, i) => ({ id: String(i), label: '', x, y, colour: '--text' }));
    expect(drawnLines(lines, null, false, 600).reduce((n, l) => n + l.x.length, 0)).toBeLessThan(26_000);
  });
  it('measures only what is visible', () => {
    const [line] = drawnLines([{ id: 'a', label: '', x: [0, 1, 2, 3, 4], y: [9, 1, 2, -5, 9], colour: '--text' }], [1, 2], false, 100);
    expect(extentOf([line!], [1, 2], false)).toEqual({ x: [1, 2], y: [1, 2] });
    expect(extentOf([line!], null, true)!.y).toEqual([1, 9]);
  });
});

describe('strokes', () => {
  type Path = { offset: number; points: [number, number][] };
  const paths = (line: object): Path[] => {
    const made: Path[] = [];
    const ctx = { lineDashOffset: 0, setLineDash: () => undefined, beginPath() { made.push({ offset: this.lineDashOffset, points: [] }); }, lineTo: (x: number, y: number) => made.at(-1)!.points.push([x, y]), stroke: () => undefined };
    strokeLines(ctx as never, [line as never], (v) => 2 * v, (v) => 3 * v, () => '#000000');
    return made;
  };
  const wave = (n: number, gaps: number[] = []) => ({ id: 'a', colour: '--text', x: Array.from({ length: n }, (_, i) => i), y: Array.from({ length: n }, (_, i) => (gaps.includes(i) ? NaN : Math.sin(i * 12.9))) });
  it('go in short pieces over every segment, dashes going on where the last piece had them, and over no gap', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 400 }), fc.array(fc.integer({ min: 0, max: 399 }), { maxLength: 3 }), (n, gaps) => {
      const line = wave(n, gaps), got = paths(line), drawn = new Set<number>();
      const walked = line.x.map((i) => Array.from({ length: i }, (_, k) => Math.hypot(2, 3 * (line.y[k + 1]! - line.y[k]!))));
      for (const { points, offset } of got) {
        expect(points.length).toBeLessThanOrEqual(52);
        const first = points[0]![0] / 2, begin = Math.max(-1, ...gaps.filter((g) => g < first)) + 1;
        expect(offset).toBeCloseTo(walked[first]!.slice(begin).reduce((a, b) => a + b, 0), 6);
        points.slice(1).forEach(([x, y], i) => { expect([x, y]).toEqual([points[i]![0] + 2, 3 * line.y[x / 2]!]); drawn.add(x / 2 - 1); });
      }
      expect([...drawn].sort((a, b) => a - b)).toEqual(line.x.slice(0, -1).filter((i) => Number.isFinite(line.y[i]! + line.y[i + 1]!)));
    }), { numRuns: 60 });
  });
  it('of a pale line are one path: what is drawn twice would be darker', () => {
    expect(paths({ ...wave(400), faint: true })).toHaveLength(1);
  });
});

describe('ticks', () => {
  it('are round and within the axis', () => {
    expect(linearTicks(0, 1_500)).toEqual([0, 500, 1_000, 1_500]);
    expect(linearTicks(0.012, 0.031)).toEqual([0.015, 0.02, 0.025, 0.03]);
    expect(linearTicks(5, 5)).toEqual([5]);
    expect(logTicks(0.01, 1)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    expect(logTicks(1e-8, 1e4).length).toBeLessThan(9);
  });
});

describe('a saved chart', () => {
  it('is a whole SVG with title, axes, legend, line, dash and band, in colours and not in variables', () => {
    const svg = svgOf(figure(), colour);
    for (const part of ['Loss &amp; more', 'LPL, &lt;one&gt;', '>step<', '>loss<', 'stroke="#f5a05a"', 'stroke-dasharray="2 3"', 'fill-opacity="0.15"', '>100<']) expect(svg).toContain(part);
    expect(svg).not.toMatch(/var\(|NaN|undefined|>raw</);
    expect(svg.match(/<svg|<\/svg>/g)).toHaveLength(2);
  });
  it('shows the visible range only, and skips what a log axis cannot show', () => {
    const log = svgOf(figure({ logY: true, range: [0, 50], lines: [{ id: 'a', label: 'a', x: [0, 25, 50], y: [0.001, 0, 10], colour: '--text' }] }), colour);
    expect(log).not.toMatch(/NaN|Infinity/);
    expect(log).toContain('>0.001<');
    expect(svgOf(figure({ lines: [] }), colour)).toContain('</svg>');
  });
  it('is a CSV of the visible numbers, quoted where needed, without the faint copies', () => {
    expect(csvOf(figure({ range: [0, 60] }))).toBe('line,step,value,low,high\n"LPL, <one>",0,1,0.5,2\n"LPL, <one>",50,3,2,4\n');
  });
});
