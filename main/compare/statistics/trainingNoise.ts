/**
 * How much trainings with the same settings differ when only their seeds do. An arm's mean over k trainings differs from the baseline's
 * by chance alone by up to t(0.975, m − 1) · s · √(2/k), where s is the standard deviation over the m trainings of the same settings
 * (baseline and A/A together): Student's two-sample bound (Student 1908). One training each leaves one degree of freedom, and so a wide bound.
 */

/** Mean of a measure in each training of the same settings. */
export interface TrainingNoise { sd: number; trainings: number }

/** Null for fewer than two trainings. */
export function trainingNoise(means: readonly number[]): TrainingNoise | null {
  if (means.length < 2) return null;
  const mean = means.reduce((s, v) => s + v, 0) / means.length;
  return { sd: Math.sqrt(means.reduce((s, v) => s + (v - mean) ** 2, 0) / (means.length - 1)), trainings: means.length };
}

/** The largest difference that chance makes plausible (95 %) between two means over `repetitions` trainings each. */
export const chanceDifference = ({ sd, trainings }: TrainingNoise, repetitions: number): number => studentT(trainings - 1) * sd * Math.sqrt(2 / repetitions);

/** Quantiles 0.975 of Student's t for 1 … 30 degrees of freedom. */
const quantiles = [
  12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314,
  2.1199, 2.1098, 2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
];

/** The 0.975 quantile; beyond 30 degrees of freedom by the first term of its expansion around the normal's (Fisher & Cornish 1960). */
export function studentT(degrees: number): number {
  if (!(degrees >= 1)) throw new RangeError(`Student's t needs at least one degree of freedom, not ${degrees}`);
  const z = 1.959963984540054;
  return quantiles[Math.round(degrees) - 1] ?? z + (z ** 3 + z) / (4 * degrees);
}
