/** Interval for a share of votes: Wilson's score interval (Wilson 1927), which behaves for few votes and for shares near 0 and 1. */
export interface Share { share: number; low: number; high: number; n: number }

/** z of the two-sided 95 % interval. */
const z = 1.959963984540054;

/** `wins` of `n` votes; a tie counts as half a win to each side. Throws RangeError without votes. */
export function wilsonInterval(wins: number, n: number): Share {
  if (!(n > 0) || wins < 0 || wins > n) throw new RangeError(`no share of ${wins} in ${n} votes`);
  const p = wins / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { share: p, low: Math.max(0, centre - half), high: Math.min(1, centre + half), n };
}
