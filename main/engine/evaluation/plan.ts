/** What an evaluation draws and measures: a pure function of the run's configuration, its data set and the options. */
import type { DatasetManifest, ManifestItem } from '../../contract/datasetManifest.ts';
import type { EvaluationOptions } from '../../contract/evaluation.ts';
import type { RunConfig } from '../../contract/runConfig.ts';

export interface PlannedPicture { prompt: string; index: number; seed: number; file: string }
export interface EvaluationPlan { pictures: PlannedPicture[]; references: ManifestItem[]; reconstructions: { item: ManifestItem; timestep: number }[] }

/** Prompts: the run's own, then captions of held-out pictures, none twice. */
function promptsOf(config: RunConfig, heldOut: readonly ManifestItem[], limit: number): string[] {
  return [...new Set([...config.samples.prompts, ...heldOut.flatMap((i) => i.captions.slice(0, 1))])].slice(0, limit);
}

export function planEvaluation(config: RunConfig, manifest: DatasetManifest, options: EvaluationOptions): EvaluationPlan {
  const heldOut = manifest.items.filter((i) => i.split === 'validation');
  const seeds = (config.samples.seeds.length ? [...new Set(config.samples.seeds)] : [1]).slice(0, options.seeds);
  const name = (index: number, seed: number): string => `drawn/p${String(index).padStart(4, '0')}-s${seed}.png`;
  return {
    pictures: promptsOf(config, heldOut, options.prompts).flatMap((prompt, index) => seeds.map((seed) => ({ prompt, index, seed, file: name(index, seed) }))),
    references: heldOut.slice(0, options.references),
    reconstructions: heldOut.slice(0, options.reconstructions).flatMap((item) => options.timesteps.map((timestep) => ({ item, timestep }))),
  };
}
