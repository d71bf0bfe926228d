/**
 * The verdict in one sentence. None is given for too few prompts, nor inside the spread that two trainings with the same
 * settings already show (the A/A arm).
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
  /** why there is no effect */
  missing?: string | undefined;
}
export type VerdictKind = 'better' | 'worse' | 'no_difference' | 'too_few' | 'no_noise_floor' | 'identical';
export interface Verdict { kind: VerdictKind; sentence: string }

const number = (x: number): string => (x === 0 ? '0' : Math.abs(x) >= 0.01 && Math.abs(x) < 1000 ? x.toFixed(3) : x.toExponential(2));
const percent = (level: number): string => `${Math.round(level * 100)} %`;

/** The largest difference that the A/A arms make plausible: no effect of that size or below is called one. */
export const noiseFloor = (noise: Interval[]): number => Math.max(...noise.flatMap((i) => [Math.abs(i.low), Math.abs(i.high)]));

export function verdict({ measure, unit, lowerIsBetter, arm, effect, noise, missing }: VerdictInput): Verdict {
  if (!effect) return { kind: 'too_few', sentence: `No verdict on ${measure}: ${missing ?? `it takes at least ${leastClusters} prompts`}.` };
  const u = unit ? ` ${unit}` : '';
  const interval = `${percent(effect.level)} interval ${number(effect.low)} to ${number(effect.high)}${u}`;
  if (effect.effect === 0 && effect.low === 0 && effect.high === 0) return { kind: 'identical', sentence: `${arm} and the baseline are identical in ${measure}.` };
  const excludesZero = effect.low > 0 || effect.high < 0;
  const none: Verdict = { kind: 'no_difference', sentence: `No difference in ${measure} that these data can show between ${arm} and the baseline (${number(effect.effect)}${u}, ${interval}).` };
  if (!excludesZero) return none;
  if (!noise.length) return { kind: 'no_noise_floor', sentence: `${arm} differs from the baseline in ${measure} by ${number(effect.effect)}${u} (${interval}), but without an A/A arm nobody can say whether another seed would differ as much.` };
  const floor = noiseFloor(noise);
  if (Math.abs(effect.effect) <= floor) return { ...none, sentence: `${none.sentence.slice(0, -2)}; the same settings with another seed differ by up to ${number(floor)}${u}).` };
  const better = lowerIsBetter === effect.effect < 0;
  return { kind: better ? 'better' : 'worse', sentence: `${arm} is ${better ? 'better' : 'worse'} than the baseline in ${measure} by ${number(Math.abs(effect.effect))}${u} (${interval}; the same settings with another seed differ by up to ${number(floor)}${u}).` };
}
