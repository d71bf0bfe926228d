/** Distances of each arm's pictures to the held-out ones, by training, and how two arms' distances differ. */
import type { Evaluation } from '../../contract/evaluation.ts';
import { howToHoldOut, leastHeldOut } from '../../contract/verdictWords.ts';
import { frechetDistance } from '../statistics/frechet.ts';
import { kernelDistance, overSubsets, type SubsetEstimate } from '../statistics/kid.ts';
import { kidDifference } from '../statistics/kidDifference.ts';
import { leastClusters, type Interval } from '../statistics/pairedBootstrap.ts';
import { seededRandom, type Random } from '../statistics/resampling.ts';
import { pairedRuns } from './measures.ts';

export interface SetDistances {
  /** of all repetitions together */
  pictures: number;
  references: number;
  /** means over repetitions, each with its spread over subsets of its pictures */
  kid: SubsetEstimate;
  frechet: SubsetEstimate;
  /** why the Fréchet distance must not be trusted here */
  frechetWarning: string | null;
}

const vectors = (rows: readonly { features: number[] }[]): Float64Array[] => rows.map((r) => Float64Array.from(r.features));

/** How many subsets: fewer where each takes long (the Fréchet distance needs a singular value decomposition of it). */
const subsetCounts = (pictures: number): { kid: number; frechet: number } => (pictures > 300 ? { kid: 10, frechet: 5 } : { kid: 100, frechet: 20 });

/** One training's KID to its held-out pictures (unbiased); null where there are too few to say. */
export function kidOf({ pictures, references }: Evaluation): number | null {
  return pictures.length < 2 || references.length < 2 ? null : kernelDistance(vectors(pictures), vectors(references));
}

/** KID and Fréchet distance of an arm's pictures to the held-out ones, repetition by repetition: each training has a distance of its own. */
export function setDistances(evaluations: readonly Evaluation[], seed = 1): SetDistances | null {
  const references = vectors(evaluations[0]!.references), random = seededRandom(seed), least = Math.min(references.length, ...evaluations.map((e) => e.pictures.length));
  if (least < 2) return null;
  const estimate = (distance: typeof kernelDistance, count: number): SubsetEstimate => averaged(evaluations.map((e) => {
    const drawn = vectors(e.pictures);
    return { ...overSubsets(distance, drawn, references, random, count), value: distance(drawn, references) };
  }));
  const dimensions = references[0]!.length, subsets = subsetCounts(least);
  return {
    pictures: evaluations.reduce((n, e) => n + e.pictures.length, 0), references: references.length,
    kid: estimate(kernelDistance, subsets.kid), frechet: estimate(frechetDistance, subsets.frechet),
    frechetWarning: least < 10 * dimensions ? `Only ${least} pictures for ${dimensions} features: the Fréchet distance is biased upwards, and differently for each arm. Go by KID.` : null,
  };
}

/** Mean of the values; the spread is the root mean square of the spreads. */
function averaged(estimates: SubsetEstimate[]): SubsetEstimate {
  const mean = (of: (e: SubsetEstimate) => number): number => estimates.reduce((s, e) => s + of(e), 0) / estimates.length;
  return { ...estimates[0]!, value: mean((e) => e.value), std: Math.sqrt(mean((e) => e.std ** 2)) };
}

/** KID of the second arm minus that of the first, repetition by repetition, or why there is none. */
export function kidEffect(first: readonly Evaluation[], second: readonly Evaluation[], random: Random): Interval | string {
  const held = vectors(first[0]!.references);
  if (held.length < leastHeldOut) return `${held.length ? `the data set holds only ${held.length} ${held.length === 1 ? 'picture' : 'pictures'} out` : 'the data set holds no pictures out'}. ${howToHoldOut}. Then make the comparison again: its runs keep the pictures they began with`;
  const drawn = ({ pictures }: Evaluation) => pictures.map((p) => ({ prompt: p.prompt, features: Float64Array.from(p.features) }));
  return kidDifference(pairedRuns(first, second).map(([a, b]) => [drawn(a), drawn(b)] as const), held, random) ?? `fewer than ${leastClusters} prompts were drawn. Give the runs more sample prompts, or captions to the held-out pictures, whose captions are drawn too`;
}
