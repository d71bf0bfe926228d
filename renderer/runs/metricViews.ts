/** The curves of a run page: which metrics each tab shows, and how. */
import { number } from '../ui/format.ts';

export interface MetricView {
  id: string;
  title: string;
  /** the tab that it shares with others of the group, of which one is chosen; its own where there is none */
  group?: 'lpl';
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
  { id: 'layers', group: 'lpl', title: 'LPL by layer', short: 'LPL', metrics: ['lpl/layer_*'], unit: '', format: number, smoothed: true },
  { id: 'feature-mean', group: 'lpl', title: 'Mean of the features', metrics: ['lpl/feature_mean_*'], unit: '', format: number, smoothed: true },
  { id: 'feature-deviation', group: 'lpl', title: 'Deviation of the features', metrics: ['lpl/feature_std_*'], unit: '', format: number, smoothed: true },
  { id: 'outliers', group: 'lpl', title: 'Share left out as outliers', metrics: ['lpl/outlier_ratio_*'], unit: '', format: number, smoothed: true },
  { id: 'snr', group: 'lpl', title: 'Signal to noise of its samples', metrics: ['lpl/snr_mean', 'lpl/snr_min', 'lpl/snr_max', 'lpl/snr_std'], unit: '', format: number, smoothed: false },
  { id: 'lr', title: 'Learning rate', metrics: ['lr', 'lr/*'], unit: '', format: number, smoothed: false },
  { id: 'grad', title: 'Gradient norm', short: 'Gradient', metrics: ['grad_norm'], unit: '', format: number, smoothed: true },
  { id: 'validation', title: 'Validation', metrics: ['validation/*', 'val/*'], unit: '', format: number, smoothed: false },
  { id: 'speed', title: 'Speed', metrics: ['images_per_s'], unit: 'pictures/s', format: (y) => `${number(y)}/s`, smoothed: true },
  { id: 'memory', title: 'Memory', metrics: ['memory/rss_mb'], unit: 'MB', format: (y) => `${number(Math.round(y))} MB`, smoothed: false },
];

/** How a metric is called on screen. */
export function metricTitle(name: string): string {
  const fixed: Record<string, string> = { loss: 'Loss', diffusion_loss: 'Diffusion loss', lpl_loss: 'LPL', lr: 'Learning rate', grad_norm: 'Gradient norm', images_per_s: 'Pictures per second', 'memory/rss_mb': 'Memory', 'lpl/snr_mean': 'mean', 'lpl/snr_std': 'deviation', 'lpl/snr_min': 'smallest', 'lpl/snr_max': 'largest' };
  const layer = /^lpl\/(?:layer|feature_mean|feature_std|outlier_ratio)_(\d+)$/.exec(name)?.[1];
  if (layer !== undefined) return layer === '0' ? 'mid' : `up ${layer}`; // as the decoder's blocks are called beside the form
  return fixed[name] ?? name.replace(/^(lpl|validation|val)\//, '').replaceAll('_', ' ');
}
