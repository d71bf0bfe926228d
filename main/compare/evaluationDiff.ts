/** What else differs between evaluated runs than their settings: files, versions, machines, what was drawn and how. All of it is unintended. */
import { createHash } from 'node:crypto';
import type { Evaluation } from '../contract/evaluation.ts';
import { pictureKey } from './analysis/measures.ts';
import type { Difference } from './configDiff.ts';

/** So many of them, and a mark that is the same only for the same ones. */
const marked = (names: readonly string[]): string => `${names.length}, ${createHash('sha256').update(names.toSorted().join('\n')).digest('hex').slice(0, 8)}`;

const facts: { path: string; title: string; of: (e: Evaluation) => unknown }[] = [
  { path: 'step', title: 'Steps trained', of: (e) => e.step },
  { path: 'ema', title: 'EMA weights', of: (e) => e.ema },
  { path: 'base_model', title: 'Base model\'s weights', of: (e) => e.base_model.sha256.slice(0, 16) },
  { path: 'dataset_hash', title: 'Content of the data set', of: (e) => e.dataset_hash.slice(0, 16) },
  { path: 'sampling', title: 'How pictures are drawn', of: ({ config: { samples: s, data } }) => `${s.sampler}, ${s.num_inference_steps} steps, guidance ${s.guidance_scale}, ${s.sample_size ?? data.resolution} px${s.negative_prompt ? `, without "${s.negative_prompt}"` : ''}` },
  { path: 'pictures', title: 'Prompts and seeds drawn', of: (e) => marked(e.pictures.map(pictureKey)) },
  { path: 'references', title: 'Held-out pictures', of: (e) => marked(e.references.map((r) => r.item)) },
  { path: 'feature_space', title: 'Feature space', of: (e) => `${e.feature_space.id} ${e.feature_space.sha256.slice(0, 8)}` },
  { path: 'engine', title: 'Engine', of: ({ engine }) => `${engine.backend} ${engine.version}, ${engine.device}, ${engine.precision}` },
  { path: 'app_version', title: 'App version', of: (e) => e.app_version },
];

/** `arms`: the evaluations of each; all that differs between any two of them, within an arm too. */
export const evaluationDifferences = (arms: readonly (readonly Evaluation[])[]): Difference[] => facts
  .filter(({ of }) => new Set(arms.flat().map(of)).size > 1)
  .map(({ path, title, of }) => ({ path, title, values: arms.map((own) => { const all = [...new Set(own.map(of))]; return all.length === 1 ? all[0] : all.join('; '); }), intended: false }));
