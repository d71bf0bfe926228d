/**
 * The verdict in one sentence. None is given for too few prompts, nor inside the spread that trainings with the same settings already
 * show: neither the A/A arm's interval, nor what chance makes plausible between means of that few trainings (trainingNoise.ts).
 */
import { leastClusters, type Interval } from './pairedBootstrap.ts';

export interface VerdictInput {
  /** what is measured: "KID", "reconstruction distance" */
  measure: string;
  unit: string;
  lowerIsBetter: boolean;
  /** name of the arm that is judged against the baseline */
  arm: string;
  /** arm − baseline; absent when there are too few prompts */
  effect: Interval | undefined;
  /** A/A − baseline, one for each A/A arm */
  noise: Interval[];
  /** the largest difference that chance makes plausible between trainings that differ in their seeds alone; null: nothing tells */
  chance: number | null;
  /** trainings of the arm that are compared with as many of the baseline */
  repetitions: number;
  /** why there is no effect */
  missing?: string | undefined;
}
export type VerdictKind = 'better' | 'worse' | 'no_difference' | 'too_few' | 'no_noise_floor' | 'identical';
export interface Verdict { kind: VerdictKind; sentence: string }

const number = (x: number): string => (x === 0 ? '0' : Math.abs(x) >= 0.01 && Math.abs(x) < 1000 ? x.toFixed(3) : x.toExponential(2));
const percent = (level: number): string => `${Math.round(level * 100)} %`;

/** No effect of this size or below is called one; null where no two trainings have the same settings. */
export function noiseFloor({ noise, chance }: Pick<VerdictInput, 'noise' | 'chance'>): number | null {
  return chance === null && !noise.length ? null : Math.max(chance ?? 0, ...noise.flatMap((i) => [Math.abs(i.low), Math.abs(i.high)]));
}

export function verdict(input: VerdictInput): Verdict {
  const { measure, unit, lowerIsBetter, arm, effect, missing, repetitions } = input;
  if (!effect) return { kind: 'too_few', sentence: `No verdict on ${measure}: ${missing ?? `it takes at least ${leastClusters} prompts`}.` };
  const u = unit ? ` ${unit}` : '', interval = `${percent(effect.level)} interval ${number(effect.low)} to ${number(effect.high)}${u}`;
  if (effect.effect === 0 && effect.low === 0 && effect.high === 0) return { kind: 'identical', sentence: `${arm} and the baseline are identical in ${measure}.` };
  const none = (why: string): Verdict => ({ kind: 'no_difference', sentence: `No difference in ${measure} that these data can show between ${arm} and the baseline (${number(effect.effect)}${u}, ${interval}${why}).` });
  if (effect.low <= 0 && effect.high >= 0) return none('');
  const floor = noiseFloor(input);
  if (floor === null) return { kind: 'no_noise_floor', sentence: `${arm} differs from the baseline in ${measure} by ${number(effect.effect)}${u} (${interval}), but without an A/A arm nobody can say whether another seed would differ as much.` };
  const known = `with ${repetitions === 1 ? 'one training' : `${repetitions} trainings`} an arm, other seeds alone may differ by up to ${number(floor)}${u}`;
  if (Math.abs(effect.effect) <= floor) return none(`; ${known}`);
  const better = lowerIsBetter === effect.effect < 0;
  return { kind: better ? 'better' : 'worse', sentence: `${arm} is ${better ? 'better' : 'worse'} than the baseline in ${measure} by ${number(Math.abs(effect.effect))}${u} (difference ${number(effect.effect)}, ${interval}; ${known}).` };
}
