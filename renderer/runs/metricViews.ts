/** The curves of a run page: which metrics each tab shows, and how. */
import { number } from '../ui/format.ts';

export interface MetricView {
  id: string;
  title: string;
  /** for the tab, where there is little room */
  short?: string;
  /** names of metrics; "lpl/layer_*" for all that begin so */
  metrics: readonly string[];
  unit: string;
  format: (y: number) => string;
  /** raw values thin, smoothed ones thick */
  smoothed: boolean;
}

export const metricViews: readonly MetricView[] = [
  { id: 'loss', title: 'Loss', metrics: ['loss', 'diffusion_loss', 'lpl_loss'], unit: '', format: number, smoothed: true },
  { id: 'layers', title: 'LPL by layer', short: 'LPL', metrics: ['lpl/*'], unit: '', format: number, smoothed: true },
  { id: 'lr', title: 'Learning rate', metrics: ['lr', 'lr/*'], unit: '', format: number, smoothed: false },
  { id: 'grad', title: 'Gradient norm', short: 'Gradient', metrics: ['grad_norm'], unit: '', format: number, smoothed: true },
  { id: 'validation', title: 'Validation', metrics: ['validation/*', 'val/*'], unit: '', format: number, smoothed: false },
  { id: 'speed', title: 'Speed', metrics: ['images_per_s'], unit: 'pictures/s', format: (y) => `${number(y)}/s`, smoothed: true },
  { id: 'memory', title: 'Memory', metrics: ['memory/rss_mb'], unit: 'MB', format: (y) => `${number(Math.round(y))} MB`, smoothed: false },
];

/** How a metric is called on screen. */
export function metricTitle(name: string): string {
  const fixed: Record<string, string> = { loss: 'Loss', diffusion_loss: 'Diffusion loss', lpl_loss: 'LPL', lr: 'Learning rate', grad_norm: 'Gradient norm', images_per_s: 'Pictures per second', 'memory/rss_mb': 'Memory' };
  return fixed[name] ?? name.replace(/^(lpl|validation|val)\//, '').replaceAll('_', ' ');
}
