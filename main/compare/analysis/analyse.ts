/** From evaluations of all arms to the numbers, intervals and verdicts of a comparison. */
import type { Evaluation } from '../../contract/evaluation.ts';
import type { ArmKind } from '../arms.ts';
import { leastClusters, pairedBootstrap, type Interval } from '../statistics/pairedBootstrap.ts';
import { seededRandom } from '../statistics/resampling.ts';
import { verdict, type Verdict } from '../statistics/verdict.ts';
import { kidDifference, setDistances, type SetDistances } from './distances.ts';
import { measuresIn, pairedRuns, pairsOf, type Measure } from './measures.ts';

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

/** The arm's difference from the baseline, or why there is none. */
type Effect = (arm: EvaluatedArm) => Interval | string;
type Described = Pick<MeasureResult, 'id' | 'title' | 'unit' | 'note' | 'lowerIsBetter'>;
const tooFew = `it takes at least ${leastClusters} prompts or pictures`;

function judge({ id, title, unit, note, lowerIsBetter }: Described, arms: readonly EvaluatedArm[], effectOf: Effect, meanOf: (arm: EvaluatedArm) => number | null): MeasureResult {
  const effects = arms.map((arm) => (arm.kind === 'baseline' ? '' : effectOf(arm)));
  const known = (i: number): Interval | null => { const e = effects[i]!; return typeof e === 'string' ? null : e; };
  const noise = arms.flatMap((a, i) => (a.kind === 'aa' ? known(i) ?? [] : []));
  const numbers = arms.map((arm, i): ArmNumbers => {
    const judged = arm.kind === 'lpl' || arm.kind === 'other';
    const missing = typeof effects[i] === 'string' ? effects[i] : undefined;
    return { label: arm.label, kind: arm.kind, mean: meanOf(arm), effect: known(i), verdict: judged ? verdict({ measure: title, unit, lowerIsBetter, arm: arm.label, effect: known(i) ?? undefined, noise, missing }) : null };
  });
  return { id, title, unit, note, lowerIsBetter, arms: numbers };
}

const mean = (values: number[]): number | null => (values.length ? values.reduce((s, v) => s + v, 0) / values.length : null);

/** Arms whose repetitions all have the weights of the baseline's with the same seed, bit for bit. */
function identicalTo(baseline: EvaluatedArm, arms: readonly EvaluatedArm[]): string[] {
  const same = (a: EvaluatedArm): boolean => a.evaluations.every((e) => pairedRuns(baseline.evaluations, [e]).some(([own]) => own.weights_sha256 === e.weights_sha256));
  return arms.filter((a) => a !== baseline && a.evaluations.length > 0 && same(a)).map((a) => a.label);
}

export interface AnalyseOptions { seed?: number; /** measures made from picture files */ extra?: readonly Measure[] }

/** Analyses a comparison. The first baseline arm is what the others are measured against. Throws RangeError without one. */
export function analyse(arms: readonly EvaluatedArm[], { seed = 1, extra = [] }: AnalyseOptions = {}): Analysis {
  const baseline = arms.find((a) => a.kind === 'baseline');
  if (!baseline) throw new RangeError('a comparison needs a baseline arm');
  const measures = measuresIn(arms.flatMap((a) => a.evaluations), extra).map((m) => judge(m, arms, (arm) => {
    const pairs = pairsOf(m, baseline.evaluations, arm.evaluations);
    return new Set(pairs.map((p) => p.cluster)).size < leastClusters ? tooFew : pairedBootstrap(pairs, seededRandom(seed));
  }, (arm) => mean(arm.evaluations.flatMap((e) => m.values(e).map((v) => v.value)))));
  const distances = arms.map((a) => ({ label: a.label, values: setDistances(a.evaluations, seed) }));
  const heldOut = baseline.evaluations[0]!.references.length;
  const kid = judge(kidMeasure, arms, (arm) => (heldOut < 2 ? 'the data set holds no pictures out' : kidDifference(baseline.evaluations, arm.evaluations, seededRandom(seed)) ?? tooFew),
    (arm) => distances.find((d) => d.label === arm.label)?.values?.kid.value ?? null);
  return {
    identical: identicalTo(baseline, arms), distances, measures: [kid, ...measures],
    verdicts: kid.arms.flatMap((a) => (a.verdict ? [{ label: a.label, verdict: a.verdict }] : [])),
  };
}
