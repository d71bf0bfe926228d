import { describe, expect, it } from 'vitest';
import { drawTimesteps, timestepProbabilities, type TimestepBias } from '../../main/engine/diffusion/timesteps.ts';
import { trainingNoise } from '../../main/engine/diffusion/trainingNoise.ts';

const bias = (over: Partial<TimestepBias> = {}): TimestepBias => ({ timestep_bias_strategy: 'none', timestep_bias_multiplier: 1, timestep_bias_portion: 0.25, timestep_bias_begin: 0, timestep_bias_end: 1000, ...over });
const uniformly = timestepProbabilities(bias(), 1000);
/** All timesteps of `steps` batches of `n`. */
const draw = (steps: number, n: number, stratified: boolean, p = uniformly, seed = 1): number[] => Array.from({ length: steps }, (_, s) => [...drawTimesteps(p, seed, s, n, stratified)]).flat();
const share = (ts: number[], below: number): number => ts.filter((t) => t < below).length / ts.length;

describe('bias', () => {
  it.each([['earlier', 0, 250], ['later', 750, 1000]] as const)('%s biases its quarter', (timestep_bias_strategy, begin, end) => {
    const p = timestepProbabilities(bias({ timestep_bias_strategy, timestep_bias_multiplier: 3 }), 1000);
    const inside = p.slice(begin, end).reduce((s, v) => s + v, 0);
    expect(inside).toBeCloseTo((250 * 3) / (250 * 3 + 750), 10);
  });
  it('range, and a multiplier of 0 leaves the range out', () => {
    const p = timestepProbabilities(bias({ timestep_bias_strategy: 'range', timestep_bias_begin: 100, timestep_bias_end: 200, timestep_bias_multiplier: 0 }), 1000);
    expect(draw(500, 4, false, p).some((t) => t >= 100 && t < 200)).toBe(false);
  });
  it('says what is wrong', () => {
    expect(() => timestepProbabilities(bias({ timestep_bias_strategy: 'range', timestep_bias_end: 2000 }), 1000)).toThrow(/does not lie within/);
    expect(() => timestepProbabilities(bias({ timestep_bias_strategy: 'range', timestep_bias_multiplier: 0 }), 1000)).toThrow(/no timestep to draw/);
  });
});

describe.each([[false], [true]])('timesteps, stratified: %s', (stratified) => {
  it('are a function of seed and step', () => {
    expect(drawTimesteps(uniformly, 7, 3, 4, stratified)).toEqual(drawTimesteps(uniformly, 7, 3, 4, stratified));
    expect(drawTimesteps(uniformly, 7, 3, 4, stratified)).not.toEqual(drawTimesteps(uniformly, 8, 3, 4, stratified));
  });
  it('cover every tenth of the schedule alike, also for one sample of the batch across seeds', () => {
    const all = draw(5000, 4, stratified);
    for (let d = 0; d < 10; d++) expect(share(all, 100 * (d + 1)) - (d ? share(all, 100 * d) : 0)).toBeCloseTo(0.1, 1.9);
    const first = Array.from({ length: 4000 }, (_, seed) => drawTimesteps(uniformly, seed, 2, 3, stratified)[1]!);
    for (let d = 1; d < 10; d++) expect(Math.abs(share(first, 100 * d) - d / 10)).toBeLessThan(0.03);
  });
  it('follow a biased distribution', () => {
    const p = timestepProbabilities(bias({ timestep_bias_strategy: 'later', timestep_bias_multiplier: 5 }), 1000);
    expect(1 - share(draw(4000, 4, stratified, p), 750)).toBeCloseTo(1250 / 2000, 1.7);
  });
});

describe('stratified', () => {
  it('the count below the threshold is its expectation rounded up or down, in every batch', () => {
    for (const n of [1, 2, 4, 5, 7]) {
      for (let s = 0; s < 400; s++) {
        const k = drawTimesteps(uniformly, 5, s, n, true).filter((t) => t < 200).length;
        expect(Math.abs(k - n * 0.2)).toBeLessThan(1);
      }
    }
  });
  it('with one sample a batch, one step in about five lies below, never a long wait', () => {
    const ts = draw(2000, 1, true);
    expect(share(ts, 200)).toBeCloseTo(0.2, 2);
    let wait = 0, longest = 0;
    for (const t of ts) longest = Math.max(longest, (wait = t < 200 ? 0 : wait + 1));
    expect(longest).toBeLessThanOrEqual(8);
  });
});

describe('training noise', () => {
  it('of a sample depends on its key, not on the batch it is in', () => {
    const four = trainingNoise(3, 9, [4, 2, 2, 4]), two = trainingNoise(3, 9, [2, 2, 2, 4], 0, 2);
    expect(two).toEqual(four.subarray(32));
  });
  it('offset: adds the same number to every pixel of a channel', () => {
    const plain = trainingNoise(3, 9, [2, 4, 4, 4]), shifted = trainingNoise(3, 9, [2, 4, 4, 4], 0.1);
    const shift = shifted.map((v, i) => v - plain[i]!);
    for (let i = 0; i < shift.length; i++) expect(shift[i]).toBeCloseTo(shift[Math.floor(i / 64) * 64 + (i % 4)]!, 5);
    expect(Math.abs(shift[0]! - shift[1]!)).toBeGreaterThan(1e-4);
    expect(Math.abs(shift[0]! - shift[64]!)).toBeGreaterThan(1e-4);
  });
});
