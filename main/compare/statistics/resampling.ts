/** Random numbers for resampling: a seeded generator, so that a report's intervals are the same each time it is made. */

/** The next number in [0, 1). */
export type Random = () => number;

/** sfc32 (Doty-Humphrey, PractRand): a small, well-tested generator. */
export function seededRandom(seed: number): Random {
  let a = seed | 0, b = 0x9e3779b9 | 0, c = 0x243f6a88 | 0, counter = 1;
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

/** A uniformly random order of 0 … n−1 (Fisher & Yates). */
export function permutationFrom(random: Random, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** `n` indices drawn with replacement. */
export const drawWithReplacement = (random: Random, n: number): Int32Array => Int32Array.from({ length: n }, () => Math.floor(random() * n));
