/** The places of the window, in the order in which the data flows. */
import type { IconName } from '../ui/icons.ts';

export const places: readonly { path: string; title: string; icon: IconName; keys: string }[] = [
  { path: '/datasets', title: 'Datasets', icon: 'datasets', keys: 'G D' },
  { path: '/models', title: 'Models', icon: 'models', keys: 'G M' },
  { path: '/runs', title: 'Runs', icon: 'runs', keys: 'G R' },
  { path: '/compare', title: 'Compare', icon: 'compare', keys: 'G C' },
  { path: '/settings', title: 'Settings', icon: 'settings', keys: 'G S' },
];
