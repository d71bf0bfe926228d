/** From lines to strokes: thinned to what the width can show, with their extent, drawn as paths. */
import type { Line, Range } from './line.ts';
import { thinIndices } from './thin.ts';

export interface DrawnLine extends Line { x: number[]; y: number[] }
export interface Extent { x: Range; y: Range }
/** All lines of a chart together have about this many points at most, however many lines there are. */
const POINTS = 24_000;

/** The lines as they will be drawn on `width` pixels; on a log axis without values that it cannot show. */
export function drawnLines(lines: readonly Line[], range: Range | null, logY: boolean, width: number): DrawnLine[] {
  const columns = Math.max(60, Math.min(Math.ceil(width), Math.floor(POINTS / (4 * Math.max(1, lines.length)))));
  return lines.map((line) => {
    const [from, to] = range ?? [line.x[0] ?? 0, line.x.at(-1) ?? 0];
    const kept = thinIndices(line.x, line.y, from, to, columns).filter((i) => !logY || line.y[i]! > 0);
    const of = (values: readonly number[]): number[] => kept.map((i) => values[i]!);
    return { ...line, x: of(line.x), y: of(line.y), ...(line.band ? { band: { low: of(line.band.low), high: of(line.band.high) } } : {}) };
  });
}

/** How far the drawn lines reach within the visible range, bands included; null when nothing lies there. */
export function extentOf(lines: readonly DrawnLine[], range: Range | null, logY: boolean): Extent | null {
  let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y, band } of lines) {
    for (let i = 0; i < x.length; i += 1) {
      if (range && (x[i]! < range[0] || x[i]! > range[1])) continue;
      x0 = Math.min(x0, x[i]!);
      x1 = Math.max(x1, x[i]!);
      for (const v of band ? [y[i]!, band.low[i]!, band.high[i]!] : [y[i]!]) {
        if (!Number.isFinite(v) || (logY && v <= 0)) continue;
        y0 = Math.min(y0, v);
        y1 = Math.max(y1, v);
      }
    }
  }
  return x0 > x1 || y0 > y1 ? null : { x: range ?? [x0, x1], y: [y0, y1] };
}

type Place = (value: number) => number;

/** Draws bands, then lines, the first line on top. Values that are no numbers leave a gap. */
export function strokeLines(ctx: CanvasRenderingContext2D, lines: readonly DrawnLine[], px: Place, py: Place, colour: (token: string) => string): void {
  ctx.lineJoin = 'round';
  for (const line of lines.toReversed()) if (line.band) fillBand(ctx, line, px, py, `${colour(line.colour)}26`);
  for (const line of lines.toReversed()) {
    ctx.strokeStyle = line.faint ? `${colour(line.colour)}55` : colour(line.colour);
    ctx.lineWidth = line.faint ? 1 : 2;
    ctx.setLineDash(line.faint ? [] : [...(line.dash ?? [])]);
    if (line.x.length === 1) dot(ctx, px(line.x[0]!), py(line.y[0]!));
    else stroke(ctx, line, px, py);
  }
}

/** Points of one path: filling a stroke costs more than in proportion to the edges that cross a row of pixels. 1,200 noisy points take 23 ms in one path, 6 in pieces. */
const PIECE = 50;

function stroke(ctx: CanvasRenderingContext2D, line: DrawnLine, px: Place, py: Place): void {
  for (let from = 0; from < line.x.length;) {
    let end = from;
    while (end < line.x.length && Number.isFinite(line.y[end]!)) end += 1;
    strokeInPieces(ctx, line.x.slice(from, end).map(px), line.y.slice(from, end).map(py), line.faint ? Infinity : PIECE);
    from = end + 1;
  }
  ctx.lineDashOffset = 0;
}

/**
 * Each piece begins one segment early, so that no corner is missing where it joins the last one, and its dashes lie on that one's. (Lines that
 * let others shine through are one piece: what is drawn twice would be darker. They are thin, and quick as they are.)
 */
function strokeInPieces(ctx: CanvasRenderingContext2D, x: readonly number[], y: readonly number[], piece: number): void {
  let walked = 0;
  for (let from = 0; from < x.length - 1; from += piece) {
    const [first, end] = [Math.max(0, from - 1), Math.min(x.length - 1, from + piece)];
    ctx.lineDashOffset = walked;
    ctx.beginPath();
    for (let i = first; i <= end; i += 1) ctx.lineTo(x[i]!, y[i]!);
    ctx.stroke();
    for (let i = first; i < from + piece - 1 && i < end; i += 1) walked += Math.hypot(x[i + 1]! - x[i]!, y[i + 1]! - y[i]!);
  }
}

function dot(ctx: CanvasRenderingContext2D, x: number, y: number): void {
  ctx.fillStyle = ctx.strokeStyle;
  ctx.beginPath();
  ctx.arc(x, y, 2.5, 0, 2 * Math.PI);
  ctx.fill();
}

function fillBand(ctx: CanvasRenderingContext2D, { x, band }: DrawnLine, px: Place, py: Place, fill: string): void {
  if (!band || x.length < 2) return;
  ctx.fillStyle = fill;
  ctx.beginPath();
  band.high.forEach((y, i) => ctx.lineTo(px(x[i]!), py(y)));
  for (let i = x.length - 1; i >= 0; i -= 1) ctx.lineTo(px(x[i]!), py(band.low[i]!));
  ctx.fill();
}
