/** Distances of each arm's pictures to the held-out ones, and of two arms' distances from each other, with intervals. */
import type { Evaluation } from '../../contract/evaluation.ts';
import { frechetDistance } from '../statistics/frechet.ts';
import { kernelDistanceOverSubsets, type SubsetEstimate } from '../statistics/kid.ts';
import { leastClusters, type Interval } from '../statistics/pairedBootstrap.ts';
import { drawWithReplacement, seededRandom, type Random } from '../statistics/resampling.ts';

export interface SetDistances { pictures: number; references: number; kid: SubsetEstimate; frechet: number; /** why the Fréchet distance must not be trusted here */ frechetWarning: string | null }

const vectors = (rows: { features: number[] }[]): Float64Array[] => rows.map((r) => Float64Array.from(r.features));

/** KID and Fréchet distance of one arm's pictures (all repetitions together) to the held-out pictures. */
export function setDistances(evaluations: readonly Evaluation[], seed = 1): SetDistances | null {
  const drawn = vectors(evaluations.flatMap((e) => e.pictures));
  const held = vectors(evaluations[0]!.references);
  if (drawn.length < 2 || held.length < 2) return null;
  const dimensions = held[0]!.length;
  const few = Math.min(drawn.length, held.length);
  return {
    pictures: drawn.length, references: held.length, kid: kernelDistanceOverSubsets(drawn, held, seededRandom(seed)), frechet: frechetDistance(drawn, held),
    frechetWarning: few < 10 * dimensions ? `Only ${few} pictures for ${dimensions} features: the Fréchet distance is biased upwards, and differently for each arm. Go by KID.` : null,
  };
}

type Kernels = { clusters: number[][]; within: Float64Array; toHeld: Float64Array; n: number };
const kernel = (x: Float64Array, y: Float64Array): number => (x.reduce((s, v, j) => s + v * y[j]!, 0) / x.length + 1) ** 3;

/** Kernel values between all pictures of an arm, and each picture's mean kernel to the held-out ones. Clusters are prompts, in `prompts` order. */
function kernelsOf(evaluations: readonly Evaluation[], held: Float64Array[], prompts: string[]): Kernels {
  const pictures = evaluations.flatMap((e) => e.pictures);
  const x = vectors(pictures);
  const n = x.length;
  const within = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) within[i * n + j] = within[j * n + i] = kernel(x[i]!, x[j]!);
  const toHeld = Float64Array.from(x, (v) => held.reduce((s, h) => s + kernel(v, h), 0) / held.length);
  return { clusters: prompts.map((p) => pictures.flatMap((q, i) => (q.prompt === p ? [i] : []))), within, toHeld, n };
}

/** KID of the pictures of the drawn prompts, up to the held-out set's own term, which both arms share. Pairs of a picture with itself are left out. */
function kidOf({ clusters, within, toHeld, n }: Kernels, drawn: ArrayLike<number>): number {
  const rows = Array.from(drawn).flatMap((c) => clusters[c]!);
  let inside = 0, pairs = 0, outside = 0;
  for (const i of rows) {
    outside += toHeld[i]!;
    for (const j of rows) if (i !== j) { inside += within[i * n + j]!; pairs++; }
  }
  return inside / pairs - (2 * outside) / rows.length;
}

const quantile = (sorted: Float64Array, p: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(p * (sorted.length - 1))))]!;

/** KID of the second arm minus that of the first, prompts resampled as wholes (basic bootstrap). Undefined with too few prompts. */
export function kidDifference(first: readonly Evaluation[], second: readonly Evaluation[], random: Random, resamples = 1000, level = 0.95): Interval | undefined {
  const prompts = [...new Set(first.flatMap((e) => e.pictures.map((p) => p.prompt)))].filter((p) => second.some((e) => e.pictures.some((q) => q.prompt === p)));
  const held = vectors(first[0]!.references);
  if (prompts.length < leastClusters || held.length < 2) return undefined;
  const [a, b] = [kernelsOf(first, held, prompts), kernelsOf(second, held, prompts)];
  const all = prompts.map((_, i) => i);
  const effect = kidOf(b, all) - kidOf(a, all);
  const drawn = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    const chosen = drawWithReplacement(random, prompts.length);
    drawn[r] = kidOf(b, chosen) - kidOf(a, chosen);
  }
  drawn.sort();
  const tail = (1 - level) / 2;
  const base = { effect, level, pairs: Math.min(a.n, b.n), clusters: prompts.length, resamples };
  if (drawn[0] === drawn.at(-1)) return { ...base, low: effect, high: effect };
  return { ...base, low: 2 * effect - quantile(drawn, 1 - tail), high: 2 * effect - quantile(drawn, tail) };
}
