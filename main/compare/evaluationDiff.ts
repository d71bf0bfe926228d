/** What else differs between evaluated runs than their settings: files, versions, machines. All of it is unintended. */
import type { Evaluation } from '../contract/evaluation.ts';
import type { Difference } from './configDiff.ts';

const facts: { path: string; title: string; of: (e: Evaluation) => unknown }[] = [
  { path: 'step', title: 'Steps trained', of: (e) => e.step },
  { path: 'ema', title: 'EMA weights', of: (e) => e.ema },
  { path: 'base_model', title: 'Base model\'s weights', of: (e) => e.base_model.sha256.slice(0, 16) },
  { path: 'dataset_hash', title: 'Content of the data set', of: (e) => e.dataset_hash.slice(0, 16) },
  { path: 'feature_space', title: 'Feature space', of: (e) => `${e.feature_space.id} ${e.feature_space.sha256.slice(0, 8)}` },
  { path: 'engine', title: 'Engine', of: ({ engine }) => `${engine.backend} ${engine.version}, ${engine.device}, ${engine.precision}` },
  { path: 'app_version', title: 'App version', of: (e) => e.app_version },
];

/** One evaluation for each arm. */
export const evaluationDifferences = (evaluations: readonly Evaluation[]): Difference[] =>
  facts.map(({ path, title, of }) => ({ path, title, values: evaluations.map(of), intended: false })).filter((d) => new Set(d.values).size > 1);
