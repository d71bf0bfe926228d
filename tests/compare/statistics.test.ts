import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { frechetDistance } from '../../main/compare/statistics/frechet.ts';
import { kernelDistance, overSubsets } from '../../main/compare/statistics/kid.ts';
import { pairedBootstrap, type Interval, type Pair } from '../../main/compare/statistics/pairedBootstrap.ts';
import { seededRandom, type Random } from '../../main/compare/statistics/resampling.ts';
import { chanceDifference, studentT, trainingNoise } from '../../main/compare/statistics/trainingNoise.ts';
import { verdict } from '../../main/compare/statistics/verdict.ts';
import { wilsonInterval } from '../../main/compare/statistics/binomial.ts';

type Case = { first: number[][]; second: number[][]; frechet: number; kid: number };
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/statistics.json', import.meta.url), 'utf8')) as { cases: Case[] };
const rows = (m: number[][]): Float64Array[] => m.map((r) => Float64Array.from(r));
const gauss = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

describe('distances between feature sets equal numpy and scipy', () => {
  it.each(cases)('case %#', ({ first, second, frechet, kid }) => {
    expect(Math.abs(frechetDistance(rows(first), rows(second)) / frechet - 1)).toBeLessThan(1e-4);
    expect(Math.abs(kernelDistance(rows(first), rows(second)) / kid - 1)).toBeLessThan(1e-4);
  });
  it('a set is at distance 0 from itself, and order does not matter', () => {
    const { first, second } = cases[0]!;
    expect(frechetDistance(rows(first), rows(first))).toBeCloseTo(0, 8);
    expect(frechetDistance(rows(first), rows(second))).toBeCloseTo(frechetDistance(rows(second), rows(first)), 8);
  });
  it('subsets of the same pictures give the same estimate again, and say how large they were', () => {
    const { first, second } = cases[2]!;
    const a = overSubsets(kernelDistance, rows(first), rows(second), seededRandom(1), 20);
    expect(a).toEqual(overSubsets(kernelDistance, rows(first), rows(second), seededRandom(1), 20));
    expect(a.subsetSize).toBe(72);
    expect(Math.abs(a.value / cases[2]!.kid - 1)).toBeLessThan(0.2);
  });
});

/** Scores of two arms: a prompt's own level, its own answer to the change, a seed's level, and chance in each picture. */
function experiment(random: Random, effect: number, prompts = 12, seeds = 4): Pair[] {
  return Array.from({ length: prompts }, (_, p) => {
    const [level, answer] = [2 * gauss(random), 0.6 * gauss(random)];
    return Array.from({ length: seeds }, () => {
      const shared = gauss(random);
      return { cluster: `prompt ${p}`, first: level + shared + 0.5 * gauss(random), second: level + shared + effect + answer + 0.5 * gauss(random) };
    });
  }).flat();
}

describe('paired bootstrap over prompt × seed', () => {
  it('covers a known effect in 93 to 97 % of 500 experiments', () => {
    const random = seededRandom(11);
    let covered = 0;
    for (let i = 0; i < 500; i++) {
      const { low, high } = pairedBootstrap(experiment(random, 0.5), random, { resamples: 1000 });
      if (low <= 0.5 && 0.5 <= high) covered++;
    }
    console.log(`the paired bootstrap covers a known effect in ${covered} of 500`);
    expect(covered / 500).toBeGreaterThanOrEqual(0.93);
    expect(covered / 500).toBeLessThanOrEqual(0.97);
  }, 60_000);

  it('claims an effect in at most 5 % of 200 comparisons in which there is none', () => {
    const random = seededRandom(5);
    let claims = 0;
    for (let i = 0; i < 200; i++) {
      const judge = (): Interval => pairedBootstrap(experiment(random, 0), random, { resamples: 1000 });
      const { kind } = verdict({ measure: 'KID', unit: '', lowerIsBetter: true, arm: 'LPL', effect: judge(), noise: [judge()], chance: null, repetitions: 1 });
      if (kind === 'better' || kind === 'worse') claims++;
    }
    console.log(`${claims} false claims in 200`);
    expect(claims / 200).toBeLessThanOrEqual(0.05);
  }, 60_000);

  it('finds a large effect', () => {
    const random = seededRandom(3);
    const judged = verdict({ measure: 'KID', unit: '', lowerIsBetter: true, arm: 'LPL', effect: pairedBootstrap(experiment(random, -3), random), noise: [pairedBootstrap(experiment(random, 0), random)], chance: null, repetitions: 1 });
    expect(judged.kind).toBe('better');
  });

  it('looks at differences of pairs only: what prompts and seeds do to both arms alike does not widen it', () => {
    const random = seededRandom(4), pairs = (level: number): Pair[] => Array.from({ length: 40 }, (_, i) => { const shared = level * gauss(random); return { cluster: `prompt ${i % 10}`, first: shared, second: shared + 0.5 + (i % 3) / 10 }; });
    const [alike, apart] = [pairedBootstrap(pairs(0), seededRandom(1)), pairedBootstrap(pairs(1000), seededRandom(1))];
    expect(apart.effect).toBeCloseTo(alike.effect, 9);
    expect(apart.high - apart.low).toBeCloseTo(alike.high - alike.low, 9);
  });

  it('gives no interval for a handful of prompts', () => {
    expect(() => pairedBootstrap(experiment(seededRandom(1), 0, 5), seededRandom(1))).toThrow(/at least 8 prompts/);
  });
});

describe('verdict', () => {
  const interval = (effect: number, half: number): Interval => ({ effect, low: effect - half, high: effect + half, level: 0.95, pairs: 40, clusters: 10, resamples: 1000 });
  const base = { measure: 'KID', unit: '', lowerIsBetter: true, arm: 'LPL', chance: null, repetitions: 1 };
  it('is withheld inside the A/A spread', () => {
    expect(verdict({ ...base, effect: interval(-0.3, 0.1), noise: [interval(0.1, 0.4)] }).kind).toBe('no_difference');
    expect(verdict({ ...base, effect: interval(-0.6, 0.1), noise: [interval(0.1, 0.4)] }).kind).toBe('better');
  });
  it('is withheld inside what other seeds alone may do', () => {
    const judged = (chance: number) => verdict({ ...base, effect: interval(-0.3, 0.1), noise: [interval(0, 0.1)], chance, repetitions: 3 });
    expect(judged(0.31).kind).toBe('no_difference');
    expect(judged(0.31).sentence).toContain('with 3 trainings an arm, other seeds alone may differ by up to 0.310');
    expect(judged(0.29).kind).toBe('better');
  });
  it('is withheld where nothing tells the noise floor, for too few prompts, and says when arms are identical', () => {
    expect(verdict({ ...base, effect: interval(-0.6, 0.1), noise: [] }).kind).toBe('no_noise_floor');
    expect(verdict({ ...base, effect: undefined, noise: [] }).kind).toBe('too_few');
    expect(verdict({ ...base, effect: interval(0, 0), noise: [] }).kind).toBe('identical');
  });
  it('knows which direction is better', () => {
    expect(verdict({ ...base, lowerIsBetter: false, effect: interval(-0.6, 0.1), noise: [interval(0, 0.1)] }).kind).toBe('worse');
  });
});

describe('what chance does between trainings', () => {
  it('is Student\'s bound from all trainings of the same settings', () => {
    const noise = trainingNoise([1, 3])!;
    expect(noise).toEqual({ sd: Math.SQRT2, trainings: 2 });
    expect(chanceDifference(noise, 1)).toBeCloseTo(12.7062 * 2, 3);
    expect(chanceDifference({ sd: 1, trainings: 6 }, 3)).toBeCloseTo(2.5706 * Math.sqrt(2 / 3), 4);
    expect(trainingNoise([1])).toBeNull();
  });
  it('has the quantiles of the tables', () => {
    expect([1, 5, 30].map(studentT)).toEqual([12.7062, 2.5706, 2.0423]);
    expect(studentT(60)).toBeCloseTo(2.0003, 2);
    expect(() => studentT(0)).toThrow(RangeError);
  });
});

it("a vote's share has Wilson's interval", () => {
  const { low, high } = wilsonInterval(8, 10);
  expect(low).toBeCloseTo(0.4902, 4);
  expect(high).toBeCloseTo(0.9433, 4);
  expect(() => wilsonInterval(1, 0)).toThrow(RangeError);
});
