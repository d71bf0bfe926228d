/** Curves of a comparison by name, in the order in which they answer the question, and as a file. */
import type { ArmCurve } from '../../main/contract/compare.ts';

/** "val/loss_bin_3" of ten -> "Noise error, t 300–399". */
function title(name: string, bins: number, timesteps: number): string {
  const [, ema, what, bin] = /^val\/(ema_)?(loss|lpl)(?:_bin_(\d+))?$/.exec(name) ?? [];
  if (!what) return name.replace(/^val\//, '').replaceAll('_', ' ');
  const edge = (b: number): number => Math.floor((b * timesteps) / bins);
  const range = bin !== undefined ? `t ${edge(Number(bin))}–${edge(Number(bin) + 1) - 1}` : what === 'lpl' ? 'below t = 200' : 'all timesteps';
  return `${what === 'loss' ? 'Noise error' : 'LPL'}, ${range}${ema ? ', EMA' : ''}`;
}

/** Overall curves first, then ranges of timesteps from low to high; EMA behind the plain weights. */
export function curveTitles(metrics: readonly string[], timesteps = 1000): { id: string; title: string }[] {
  const names = [...new Set(metrics)];
  const bins = 1 + Math.max(0, ...names.map((n) => Number(/loss_bin_(\d+)$/.exec(n)?.[1] ?? 0)));
  const rank = (n: string): number => (n.includes('ema_') ? 1000 : 0) + (n.includes('_bin_') ? 10 + Number(/\d+$/.exec(n)![0]) : 0) + (n.includes('lpl') ? 0.5 : 0);
  return names.toSorted((a, b) => rank(a) - rank(b)).map((id) => ({ id, title: title(id, bins, timesteps) }));
}

/** Every point of every curve as comma-separated values; `labels` by arm id. */
export function curvesCsv(curves: readonly ArmCurve[], labels: ReadonlyMap<string, string>): string {
  const rows = curves.flatMap((c) => c.points.map((p) => `"${(labels.get(c.arm_id) ?? '').replaceAll('"', '""')}",${c.metric},${p.step},${p.seconds},${p.mean},${p.low},${p.high}`));
  return ['arm,metric,step,seconds,mean,low,high', ...rows].join('\n');
}
