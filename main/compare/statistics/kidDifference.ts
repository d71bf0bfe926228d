/**
 * How much closer one set of pictures is to the held-out ones than another, with an interval. KID is no mean over pictures, so the
 * difference is turned into one number a prompt by the jackknife (Tukey's pseudo-values; Efron & Tibshirani 1993, ch. 11), which are
 * resampled as every other measure's: prompts as wholes, studentised.
 */
import { leastClusters, pairedBootstrap, type Interval } from './pairedBootstrap.ts';
import type { Random } from './resampling.ts';
import { polynomialKernel } from './kid.ts';

export interface PromptedFeatures { prompt: string; features: Float64Array }

/** Kernel sums of one training's pictures by prompt: between prompts p and q (a picture with itself left out), and to the held-out set. */
interface PromptSums { counts: Float64Array; within: Float64Array[]; toHeld: Float64Array }

function promptSums(pictures: readonly PromptedFeatures[], held: readonly Float64Array[], prompts: readonly string[]): PromptSums {
  const index = new Map(prompts.map((p, i) => [p, i])), own = pictures.flatMap(({ prompt, features }) => (index.has(prompt) ? [{ p: index.get(prompt)!, features }] : []));
  const sums: PromptSums = { counts: new Float64Array(prompts.length), within: prompts.map(() => new Float64Array(prompts.length)), toHeld: new Float64Array(prompts.length) };
  own.forEach(({ p, features }, i) => {
    sums.counts[p]!++;
    for (const h of held) sums.toHeld[p]! += polynomialKernel(features, h) / held.length;
    for (let j = 0; j < i; j++) {
      const other = own[j]!, k = polynomialKernel(features, other.features);
      sums.within[p]![other.p]! += k;
      sums.within[other.p]![p]! += k;
    }
  });
  return sums;
}

/** KID without the prompt `without` (−1: with all), up to the held-out set's own term, which both arms share. */
function kidWithout({ counts, within, toHeld }: PromptSums, without: number): number {
  let n = 0, inside = 0, outside = 0;
  for (let p = 0; p < counts.length; p++) {
    if (p === without) continue;
    n += counts[p]!;
    outside += toHeld[p]!;
    for (let q = 0; q < counts.length; q++) if (q !== without) inside += within[p]![q]!;
  }
  return inside / (n * (n - 1)) - (2 * outside) / n;
}

/**
 * KID of the second arm minus that of the first, averaged over repetitions ([first, second] of each), over the prompts that all of them
 * have. Undefined with fewer than `leastClusters` prompts, or fewer than two held-out pictures.
 */
export function kidDifference(repetitions: readonly (readonly [readonly PromptedFeatures[], readonly PromptedFeatures[]])[], held: readonly Float64Array[], random: Random): Interval | undefined {
  const sets = repetitions.flat().map((set) => new Set(set.map((p) => p.prompt)));
  const prompts = [...sets[0] ?? []].filter((p) => sets.every((s) => s.has(p))), n = prompts.length;
  if (n < leastClusters || held.length < 2) return undefined;
  const sums = repetitions.map(([first, second]) => [promptSums(first, held, prompts), promptSums(second, held, prompts)] as const);
  const difference = (without: number): number => sums.reduce((s, [a, b]) => s + kidWithout(b, without) - kidWithout(a, without), 0) / sums.length;
  const effect = difference(-1), pseudo = prompts.map((cluster, i) => ({ cluster, first: 0, second: n * effect - (n - 1) * difference(i) }));
  const { effect: centre, low, high, ...rest } = pairedBootstrap(pseudo, random);
  return { ...rest, effect, low: low + effect - centre, high: high + effect - centre, pairs: repetitions.reduce((s, [a, b]) => s + Math.min(a.length, b.length), 0) };
}
