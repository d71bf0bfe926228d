/** A report's charts: validation curves against steps and against training time, and power spectra. */
import type { ArmKind } from './arms.ts';
import { seedBand, thinBand, type RunCurves } from './curves.ts';
import { meanSpectrum } from './pictures/spectrum.ts';
import type { PictureFacts } from './pictures/measurePictures.ts';
import type { ReportChart } from './report/html.ts';
import { heldOutStyle, type ArmStyle } from './report/styles.ts';

export interface ChartArm { kind: ArmKind; label: string; style: ArmStyle; curves: RunCurves[]; facts: PictureFacts[]; ema: boolean }
type Against = 'step' | 'seconds';

const axis = { step: 'optimizer steps', seconds: 'seconds spent training' };

function chart(title: string, metric: string, against: Against, arms: readonly ChartArm[]): ReportChart {
  const series = arms.map(({ label, style, curves, ema }) => {
    const name = ema ? metric.replace('val/', 'val/ema_') : metric;
    const band = thinBand(seedBand(curves.map((c) => c.curves.get(name) ?? [])));
    return { label, style, points: band.map((p) => ({ x: p[against], mean: p.mean, low: p.low, high: p.high })) };
  });
  return { title, xLabel: axis[against], series };
}

const bins = (arms: readonly ChartArm[], prefix: string): number[] =>
  [...new Set(arms.flatMap((a) => a.curves.flatMap((c) => [...c.curves.keys()].flatMap((k) => new RegExp(`^val/${prefix}_bin_(\\d+)$`).exec(k)?.[1] ?? []))))].map(Number).sort((a, b) => a - b);

/** Unweighted error of the predicted noise and LPL (one fixed definition) on held-out pictures; then each range of timesteps by itself. */
export function validationCharts(arms: readonly ChartArm[], timesteps = 1000): ReportChart[] {
  const range = (bin: number, count: number): string => `t ${Math.floor((bin * timesteps) / count)} to ${Math.floor(((bin + 1) * timesteps) / count) - 1}`;
  const lossBins = bins(arms, 'loss'), main = [['Error of the predicted noise', 'val/loss'], ['LPL below t = 200', 'val/lpl']] as const;
  const all = main.flatMap(([title, metric]) => (['step', 'seconds'] as const).map((against) => chart(`${title}, against ${against === 'step' ? 'steps' : 'time'}`, metric, against, arms)));
  const each = lossBins.map((b) => chart(`Error of the predicted noise, ${range(b, lossBins.length)}`, `val/loss_bin_${b}`, 'step', arms));
  const lpl = bins(arms, 'lpl').map((b) => chart(`LPL, ${range(b, lossBins.length)}`, `val/lpl_bin_${b}`, 'step', arms));
  return [...all, ...each, ...lpl].filter((c) => c.series.some((s) => s.points.length));
}

/** Mean power spectrum of each arm's pictures beside the held-out ones'. Null where picture sizes differ. */
export function spectrumChart(arms: readonly ChartArm[]): ReportChart | null {
  const line = (spectra: (number[] | null | undefined)[]) => {
    const known = spectra.filter((s): s is number[] => !!s), length = known[0]?.length;
    return known.length && known.every((s) => s.length === length) ? points([...meanSpectrum(known.map((s) => Float64Array.from(s)))]) : [];
  };
  const series = [{ label: 'Held-out pictures', style: heldOutStyle, points: line(arms.slice(0, 1).flatMap((a) => a.facts.map((f) => f.heldOut?.spectrum))) }, ...arms.map((a) => ({ label: a.label, style: a.style, points: line(a.facts.map((f) => f.spectrum)) }))];
  return series.some((s) => s.points.length) ? { title: 'Power spectrum: coarse shapes to the left, fine detail to the right', xLabel: 'cycles across the picture', series, logY: true } : null;
}

const points = (spectrum: number[]) => spectrum.map((v, i) => ({ x: i + 1, mean: v, low: v, high: v }));
