/** From evaluations of all arms to the numbers, intervals and verdicts of a comparison. */
import type { Evaluation } from '../../contract/evaluation.ts';
import type { ArmKind } from '../arms.ts';
import { leastClusters, pairedBootstrap, type Interval } from '../statistics/pairedBootstrap.ts';
import { seededRandom } from '../statistics/resampling.ts';
import { verdict, type Verdict } from '../statistics/verdict.ts';
import { kidDifference, setDistances, type SetDistances } from './distances.ts';
import { measuresIn, pairsOf } from './measures.ts';

export interface EvaluatedArm { kind: ArmKind; label: string; /** one for each repetition, in the order of their seeds */ evaluations: Evaluation[] }
export interface ArmNumbers { label: string; kind: ArmKind; /** mean over all pictures and repetitions */ mean: number | null; effect: Interval | null; verdict: Verdict | null }
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

type Effect = (arm: EvaluatedArm) => Interval | undefined;

function judge(base: { id: string; title: string; unit: string; lowerIsBetter: boolean; note: string }, arms: readonly EvaluatedArm[], effectOf: Effect, meanOf: (arm: EvaluatedArm) => number | null): MeasureResult {
  const noise = arms.filter((a) => a.kind === 'aa').map(effectOf).filter((i): i is Interval => i !== undefined);
  const numbers = arms.map((arm): ArmNumbers => {
    const effect = arm.kind === 'baseline' ? undefined : effectOf(arm);
    const judged = arm.kind === 'lpl' ? verdict({ measure: base.title, unit: base.unit, lowerIsBetter: base.lowerIsBetter, arm: arm.label, effect, noise }) : null;
    return { label: arm.label, kind: arm.kind, mean: meanOf(arm), effect: effect ?? null, verdict: judged };
  });
  return { ...base, arms: numbers };
}

const mean = (values: number[]): number | null => (values.length ? values.reduce((s, v) => s + v, 0) / values.length : null);

/** Arms whose repetitions all have the baseline's trained weights, bit for bit. */
function identicalTo(baseline: EvaluatedArm, arms: readonly EvaluatedArm[]): string[] {
  const same = (a: EvaluatedArm): boolean => a.evaluations.length === baseline.evaluations.length && a.evaluations.every((e, i) => e.weights_sha256 === baseline.evaluations[i]!.weights_sha256);
  return arms.filter((a) => a !== baseline && same(a)).map((a) => a.label);
}

/** Analyses a comparison. The first baseline arm is what the others are measured against. Throws RangeError without one. */
export function analyse(arms: readonly EvaluatedArm[], seed = 1): Analysis {
  const baseline = arms.find((a) => a.kind === 'baseline');
  if (!baseline) throw new RangeError('a comparison needs a baseline arm');
  const measures = measuresIn(arms.flatMap((a) => a.evaluations)).map((m) => judge(m, arms, (arm) => {
    const pairs = pairsOf(m, baseline.evaluations, arm.evaluations);
    return new Set(pairs.map((p) => p.cluster)).size < leastClusters ? undefined : pairedBootstrap(pairs, seededRandom(seed));
  }, (arm) => mean(arm.evaluations.flatMap((e) => m.values(e).map((v) => v.value)))));
  const distances = arms.map((a) => ({ label: a.label, values: setDistances(a.evaluations, seed) }));
  const kid = judge(kidMeasure, arms, (arm) => kidDifference(baseline.evaluations, arm.evaluations, seededRandom(seed)), (arm) => distances.find((d) => d.label === arm.label)?.values?.kid.value ?? null);
  return {
    identical: identicalTo(baseline, arms), distances, measures: [kid, ...measures],
    verdicts: kid.arms.flatMap((a) => (a.verdict ? [{ label: a.label, verdict: a.verdict }] : [])),
  };
}
