/** From evaluations of all arms to the numbers, intervals and verdicts of a comparison. */
import type { Evaluation } from '../../contract/evaluation.ts';
import type { ArmKind } from '../arms.ts';
import { leastClusters, pairedBootstrap, type Interval } from '../statistics/pairedBootstrap.ts';
import { seededRandom } from '../statistics/resampling.ts';
import { verdict, type Verdict } from '../statistics/verdict.ts';
import { chanceDifference, trainingNoise } from '../statistics/trainingNoise.ts';
import { kidEffect, kidOf, setDistances, type SetDistances } from './distances.ts';
import { measuresIn, pairedRuns, pairsOf, runMeans, type Measure } from './measures.ts';

export interface EvaluatedArm { kind: ArmKind; label: string; /** one for each repetition, in the order of their seeds */ evaluations: Evaluation[] }
export interface ArmNumbers { label: string; kind: ArmKind; /** over repetitions */ mean: number | null; effect: Interval | null; verdict: Verdict | null }
export interface MeasureResult { id: string; title: string; unit: string; note: string; lowerIsBetter: boolean; arms: ArmNumbers[] }
export interface Analysis {
  /** arms whose trained weights are bit for bit the baseline's */
  identical: string[];
  distances: { label: string; values: SetDistances | null }[];
  measures: MeasureResult[];
  /** the one sentence for each arm that is judged, by KID */
  verdicts: { label: string; verdict: Verdict }[];
}

const kidMeasure = { id: 'kid', title: 'KID to held-out pictures', unit: '', lowerIsBetter: true, note: 'Kernel distance between drawn and held-out pictures in the feature space. It does not contain LPL, so it can judge it.' };

type Described = Pick<MeasureResult, 'id' | 'title' | 'unit' | 'note' | 'lowerIsBetter'>;
interface Judged extends Described {
  /** the arm's difference from the baseline, or why there is none */
  effectOf(arm: EvaluatedArm): Interval | string;
  /** the measure's mean in each of these trainings */
  means(evaluations: readonly Evaluation[]): (number | null)[];
}
const tooFew = `it takes at least ${leastClusters} prompts or pictures`;

function judge({ effectOf, means, ...described }: Judged, baseline: EvaluatedArm, arms: readonly EvaluatedArm[]): MeasureResult {
  const effects = arms.map((arm) => (arm === baseline ? '' : effectOf(arm)));
  const known = (i: number): Interval | null => { const e = effects[i]!; return typeof e === 'string' ? null : e; };
  const noise = arms.flatMap((a, i) => (a.kind === 'aa' ? known(i) ?? [] : [])), spread = trainingNoise(numbersOf(means(sameSettings(baseline, arms))));
  const { title: measure, unit, lowerIsBetter } = described;
  const numbers = arms.map((arm, i): ArmNumbers => {
    const repetitions = pairedRuns(baseline.evaluations, arm.evaluations).length, missing = typeof effects[i] === 'string' ? effects[i] : undefined;
    const judged = arm.kind === 'lpl' || arm.kind === 'other';
    return {
      label: arm.label, kind: arm.kind, mean: mean(numbersOf(means(arm.evaluations))), effect: known(i),
      verdict: judged ? verdict({ measure, unit, lowerIsBetter, arm: arm.label, effect: known(i) ?? undefined, noise, chance: spread && chanceDifference(spread, repetitions), repetitions, missing }) : null,
    };
  });
  return { ...described, arms: numbers };
}

const numbersOf = (values: (number | null)[]): number[] => values.filter((v) => v !== null);
const mean = (values: number[]): number | null => (values.length ? values.reduce((s, v) => s + v, 0) / values.length : null);

/** Trainings of the baseline's settings, A/A included, none twice. */
function sameSettings(baseline: EvaluatedArm, arms: readonly EvaluatedArm[]): Evaluation[] {
  const all = [baseline, ...arms.filter((a) => a.kind === 'aa')].flatMap((a) => a.evaluations);
  return all.filter((e, i) => all.findIndex((o) => o.weights_sha256 === e.weights_sha256) === i);
}

/** Arms whose repetitions all have the weights of the baseline's with the same seed, bit for bit. */
function identicalTo(baseline: EvaluatedArm, arms: readonly EvaluatedArm[]): string[] {
  const same = (a: EvaluatedArm): boolean => a.evaluations.every((e) => pairedRuns(baseline.evaluations, [e]).some(([own]) => own.weights_sha256 === e.weights_sha256));
  return arms.filter((a) => a !== baseline && a.evaluations.length > 0 && same(a)).map((a) => a.label);
}

/** KID of every arm against the baseline with its verdict: what a comparison is judged by. */
export const judgeByKid = (baseline: EvaluatedArm, arms: readonly EvaluatedArm[], seed = 1): MeasureResult =>
  judge({ ...kidMeasure, means: (evaluations) => evaluations.map(kidOf), effectOf: (arm) => kidEffect(baseline.evaluations, arm.evaluations, seededRandom(seed)) }, baseline, arms);

export interface AnalyseOptions { seed?: number; /** measures made from picture files */ extra?: readonly Measure[] }

/** Analyses a comparison. The first baseline arm is what the others are measured against. Throws RangeError without one. */
export function analyse(arms: readonly EvaluatedArm[], { seed = 1, extra = [] }: AnalyseOptions = {}): Analysis {
  const baseline = arms.find((a) => a.kind === 'baseline');
  if (!baseline) throw new RangeError('a comparison needs a baseline arm');
  const measures = measuresIn(arms.flatMap((a) => a.evaluations), extra).map((m) => judge({
    ...m, means: (evaluations) => runMeans(m, evaluations),
    effectOf(arm) {
      const pairs = pairsOf(m, baseline.evaluations, arm.evaluations);
      return new Set(pairs.map((p) => p.cluster)).size < leastClusters ? tooFew : pairedBootstrap(pairs, seededRandom(seed));
    },
  }, baseline, arms));
  const kid = judgeByKid(baseline, arms, seed);
  return {
    identical: identicalTo(baseline, arms), distances: arms.map((a) => ({ label: a.label, values: setDistances(a.evaluations, seed) })), measures: [kid, ...measures],
    verdicts: kid.arms.flatMap((a) => (a.verdict ? [{ label: a.label, verdict: a.verdict }] : [])),
  };
}
