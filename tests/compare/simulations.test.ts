/** Whole comparisons with made data, from features to the verdict: how often it claims what is not there, and whether intervals cover what is. */
import { describe, expect, it } from 'vitest';
import { judgeByKid, type EvaluatedArm } from '../../main/compare/analysis/analyse.ts';
import { kidDifference } from '../../main/compare/statistics/kidDifference.ts';
import { kernelDistance } from '../../main/compare/statistics/kid.ts';
import { seededRandom, type Random } from '../../main/compare/statistics/resampling.ts';
import type { Evaluation } from '../../main/contract/evaluation.ts';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';

const d = 8, prompts = 24, seeds = 2;
const gauss = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const vector = (random: Random, scale: number): number[] => Array.from({ length: d }, () => scale * gauss(random));
type Picture = { prompt: string; features: Float64Array };
const held = Array.from({ length: 40 }, ((random) => () => Float64Array.from(vector(random, 1)))(seededRandom(77)));

/** What the prompts look like: their own place in feature space, which all arms share. */
const places = (random: Random): number[][] => Array.from({ length: prompts }, () => vector(random, 0.7));

/** One training's pictures: a prompt's place, what this training does to all of its pictures, and chance in each. */
function training(random: Random, at: number[][], away: number, runSpread: number): Picture[] {
  const own = vector(random, runSpread);
  return at.flatMap((place, p) => Array.from({ length: seeds }, () => {
    const chance = vector(random, 0.5);
    return { prompt: `prompt ${p}`, features: Float64Array.from(place, (x, j) => x + away + own[j]! + chance[j]!) };
  }));
}
const kid = (pictures: Picture[]): number => kernelDistance(pictures.map((p) => p.features), held);

/** What an evaluation of that training would hold. */
const evaluation = (pictures: Picture[], seed: number): Evaluation => ({
  config: { ...defaultRunConfig(), training: { ...defaultRunConfig().training, seed } }, weights_sha256: `${seed} ${pictures[0]!.features.join()}`,
  pictures: pictures.map((p, i) => ({ prompt: p.prompt, prompt_index: 0, seed: i % seeds, file: '', features: [...p.features], agreement: null })), references: held.map((f, i) => ({ item: `${i}`, file: '', features: [...f] })), reconstructions: [],
}) as unknown as Evaluation;

/** Baseline, LPL and A/A with `repetitions` trainings each, LPL `away` from the others, judged as the app does: from evaluations to the verdict. */
function judged(random: Random, repetitions: number, runSpread: number, away: number): string {
  const at = places(random);
  const arm = (kind: EvaluatedArm['kind'], shift: number): EvaluatedArm => ({ kind, label: kind, evaluations: Array.from({ length: repetitions }, (_, i) => evaluation(training(random, at, shift, runSpread), kind === 'aa' ? 100 + i : i)) });
  const arms = [arm('baseline', 0.4), arm('lpl', 0.4 + away), arm('aa', 0.4)];
  return judgeByKid(arms[0]!, arms).arms[1]!.verdict!.kind;
}

describe('KID of two arms', () => {
  it('differs by what the two distances differ, and not at all for the same pictures', () => {
    const random = seededRandom(4), at = places(random), a = training(random, at, 0.4, 0.1), b = training(random, at, 0, 0.1);
    expect(kidDifference([[a, b]], held, random)!.effect).toBeCloseTo(kid(b) - kid(a), 10);
    expect(kidDifference([[a, a]], held, random)).toMatchObject({ effect: 0, low: 0, high: 0, pairs: 48, clusters: 24 });
    expect(kidDifference([[a.slice(0, 14), b]], held, random)).toBeUndefined();
  });

  it('has an interval that covers the true difference in 93 to 97 % of 500 experiments', () => {
    const random = seededRandom(21), experiment = () => { const at = places(random); return [training(random, at, 0.3, 0), training(random, at, 0, 0)] as const; };
    let truth = 0;
    for (let i = 0; i < 4000; i++) { const [a, b] = experiment(); truth += (kid(b) - kid(a)) / 4000; } // unbiased: its mean is what the interval is for
    let covered = 0;
    for (let i = 0; i < 500; i++) {
      const { low, high } = kidDifference([experiment()], held, random)!;
      if (low <= truth && truth <= high) covered++;
    }
    console.log(`KID's interval covers the true difference in ${covered} of 500`);
    expect(covered / 500).toBeGreaterThanOrEqual(0.93);
    expect(covered / 500).toBeLessThanOrEqual(0.97);
  }, 600_000);
});

describe('the verdict by KID', () => {
  it.each([{ repetitions: 1, runSpread: 0.15 }, { repetitions: 3, runSpread: 0.15 }, { repetitions: 1, runSpread: 0 }])('claims an effect in at most 5 % of 200 comparisons without one: $repetitions trainings an arm, which differ by $runSpread', ({ repetitions, runSpread }) => {
    const random = seededRandom(9);
    let claims = 0;
    for (let i = 0; i < 200; i++) if (['better', 'worse'].includes(judged(random, repetitions, runSpread, 0))) claims++;
    console.log(`${claims} false claims in 200 comparisons (${repetitions} trainings, spread ${runSpread})`);
    expect(claims / 200).toBeLessThanOrEqual(0.05);
  }, 600_000);

  it('finds an effect that is there, with three trainings an arm', () => {
    const random = seededRandom(10);
    let found = 0;
    for (let i = 0; i < 40; i++) if (judged(random, 3, 0.02, -0.4) === 'better') found++;
    console.log(`an effect that is there is found in ${found} of 40`);
    expect(found / 40).toBeGreaterThan(0.8);
  });
});
