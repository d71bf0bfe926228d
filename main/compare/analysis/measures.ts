/** The measures of a comparison that give one number a picture, paired over prompt × seed (or picture × timestep). */
import type { Evaluation } from '../../contract/evaluation.ts';
import type { Pair } from '../statistics/pairedBootstrap.ts';

export interface Measure {
  id: string;
  title: string;
  unit: string;
  lowerIsBetter: boolean;
  /** a sentence for those who wonder what it says, and what it cannot say */
  note: string;
  /** values by what they are paired on; `cluster` is resampled as a whole */
  values(e: Evaluation): { key: string; cluster: string; value: number }[];
}

const reconstruction = (timestep: number): Measure => ({
  id: `reconstruction_${timestep}`, title: `Reconstruction distance, t = ${timestep}`, unit: '', lowerIsBetter: true,
  note: `Distance of the VAE decoder's features between held-out pictures and what the model makes of them from noise at timestep ${timestep}. LPL trains towards this, so it can improve without pictures getting better.`,
  values: (e) => e.reconstructions.filter((r) => r.timestep === timestep).map((r) => ({ key: r.item, cluster: r.item, value: r.feature_distance })),
});

const noiseError: Measure = {
  id: 'noise_error', title: 'Noise prediction error', unit: '', lowerIsBetter: true,
  note: 'Mean squared error of the predicted noise on held-out pictures: what the baseline trains towards.',
  values: (e) => e.reconstructions.map((r) => ({ key: `${r.item} ${r.timestep}`, cluster: r.item, value: r.mse })),
};

/** What a picture is paired by. */
export const pictureKey = (p: { prompt: string; seed: number }): string => `${p.seed} ${p.prompt}`;

const agreement: Measure = {
  id: 'agreement', title: 'Prompt agreement', unit: '', lowerIsBetter: false,
  note: 'Cosine between picture and prompt in the feature space, over prompts and seeds.',
  values: (e) => e.pictures.flatMap((p) => (p.agreement === null ? [] : [{ key: pictureKey(p), cluster: p.prompt, value: p.agreement }])),
};

/** Measures that all of these evaluations hold values for; `extra` are those that only the caller can make (from picture files). */
export function measuresIn(evaluations: readonly Evaluation[], extra: readonly Measure[] = []): Measure[] {
  const timesteps = [...new Set(evaluations.flatMap((e) => e.reconstructions.map((r) => r.timestep)))].sort((a, b) => a - b);
  return [agreement, ...extra, ...timesteps.map(reconstruction), noiseError].filter((m) => evaluations.every((e) => m.values(e).length > 0));
}

/** Repetitions of two arms side by side: those with the same training seed, else (A/A) in order. */
export function pairedRuns(first: readonly Evaluation[], second: readonly Evaluation[]): [Evaluation, Evaluation][] {
  const bySeed = first.flatMap((e) => second.filter((o) => o.config.training.seed === e.config.training.seed).map((o): [Evaluation, Evaluation] => [e, o]));
  return bySeed.length ? bySeed : first.slice(0, second.length).map((e, i) => [e, second[i]!]);
}

/** Pairs of two arms: the same prompt and seed (or picture and timestep) in the same repetition. Only what both arms have is paired. */
export function pairsOf(measure: Measure, first: readonly Evaluation[], second: readonly Evaluation[]): Pair[] {
  return pairedRuns(first, second).flatMap(([a, b]) => {
    const other = new Map(measure.values(b).map((v) => [v.key, v.value]));
    return measure.values(a).filter((v) => other.has(v.key)).map((v) => ({ cluster: v.cluster, first: v.value, second: other.get(v.key)! }));
  });
}

/** The measure's mean in each training; null where one has no value. */
export function runMeans(measure: Measure, evaluations: readonly Evaluation[]): (number | null)[] {
  return evaluations.map((e) => { const values = measure.values(e); return values.length ? values.reduce((s, v) => s + v.value, 0) / values.length : null; });
}
