/** Which timestep each training sample gets: uniform, biased as diffusers' SDXL script does it, or stratified. */
import { AppError } from '../../contract/errors.ts';
import { uniform } from '../random.ts';

export interface TimestepBias {
  timestep_bias_strategy: 'none' | 'earlier' | 'later' | 'range';
  timestep_bias_multiplier: number;
  /** share of the timesteps that `earlier` and `later` bias */
  timestep_bias_portion: number;
  timestep_bias_begin: number;
  timestep_bias_end: number;
}

function biasedRange(b: TimestepBias, total: number): [number, number] {
  const count = Math.floor(b.timestep_bias_portion * total);
  switch (b.timestep_bias_strategy) {
    case 'none': return [0, 0];
    case 'earlier': return [0, count];
    case 'later': return [total - count, total];
    case 'range': return [b.timestep_bias_begin, b.timestep_bias_end];
  }
}

/**
 * The probability of each of `total` timesteps; they sum to 1. Throws AppError `config.timestep_bias` when the range does not lie
 * within the schedule or the multiplier leaves nothing to draw.
 */
export function timestepProbabilities(bias: TimestepBias, total: number): Float64Array {
  const [begin, end] = biasedRange(bias, total);
  if (begin < 0 || end > total || begin > end) throw new AppError('config.timestep_bias', `The timestep bias range ${begin} … ${end} does not lie within 0 … ${total}.`, 'Choose a begin below the end, both within the schedule.');
  const weights = Float64Array.from({ length: total }, (_, t) => (t >= begin && t < end ? bias.timestep_bias_multiplier : 1));
  const sum = weights.reduce((s, w) => s + w, 0);
  if (!(sum > 0)) throw new AppError('config.timestep_bias', 'The timestep bias leaves no timestep to draw.', 'Set the bias multiplier above 0 or bias fewer timesteps.');
  return weights.map((w) => w / sum);
}

/** Timestep at quantile u in [0,1): the first whose cumulative probability exceeds u. */
function quantile(cumulative: Float64Array, u: number): number {
  let low = 0, high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > u) high = middle; else low = middle + 1;
  }
  return low;
}

/** (√5 − 1)/2: the additive sequence frac(u + s·φ) fills [0,1) most evenly. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** The `n` quantiles of one batch. Stratified: one common offset that moves by the golden ratio from step to step. */
function quantiles(seed: number, step: number, n: number, stratified: boolean): number[] {
  const draws = uniform({ seed, stream: 'timesteps', step }, n);
  if (!stratified) return Array.from(draws);
  const first = uniform({ seed, stream: 'timesteps', step: 0xffffffff }, 1)[0]!;
  const offset = (first + step * GOLDEN) % 1;
  const order = Array.from(draws, (key, i) => ({ key, i })).sort((a, b) => a.key - b.key || a.i - b.i);
  return order.map(({ i }) => (i + offset) / n);
}

/**
 * Timesteps of one batch, each distributed as `probabilities`, a pure function of (seed, step).
 *
 * Stratified, the batch's quantiles are evenly spaced (systematic sampling, Madow 1949) in random order: the number of
 * samples below any threshold differs from its expectation by less than one in every batch, and with batches of one
 * sample the golden-ratio offset keeps it steady over steps.
 */
export function drawTimesteps(probabilities: Float64Array, seed: number, step: number, n: number, stratified = false): Int32Array {
  let sum = 0;
  const cumulative = probabilities.map((p) => (sum += p));
  cumulative[cumulative.length - 1] = Infinity;
  return Int32Array.from(quantiles(seed, step, n, stratified), (u) => quantile(cumulative, u));
}
