import { describe, expect, it } from 'vitest';
import { integers, normal, permutation, philox4x32, uniform, words, type DrawKey } from '../../main/engine/random.ts';

const key = (over: Partial<DrawKey> = {}): DrawKey => ({ seed: 42, stream: 'test', step: 3, sample: 1, ...over });
const mean = (a: ArrayLike<number>): number => Array.from(a).reduce((s, v) => s + v, 0) / a.length;

describe('Philox4x32-10', () => {
  // Random123's kat_vectors, lines "philox4x32 10"
  it.each([
    [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]],
  ])('known answer %#', (counter, k, expected) => {
    expect(philox4x32(counter as [number, number, number, number], k as [number, number])).toEqual(expected);
  });

  it('a shorter draw is the beginning of a longer one, and every part of the key matters', () => {
    const base = words(key(), 10);
    expect(words(key(), 7)).toEqual(base.subarray(0, 7));
    for (const other of [key({ seed: 43 }), key({ seed: 42 + 2 ** 32 }), key({ stream: 'noise' }), key({ step: 4 }), key({ sample: 2 })]) {
      expect(words(other, 10)).not.toEqual(base);
    }
  });

  it('refuses seeds that are not whole numbers', () => {
    expect(() => words(key({ seed: 1.5 }), 1)).toThrow(RangeError);
    expect(() => words(key({ seed: -1 }), 1)).toThrow(RangeError);
  });
});

describe('distributions', () => {
  const n = 40_001;
  it('uniform: moments and range', () => {
    const u = uniform(key(), n);
    expect(mean(u)).toBeCloseTo(0.5, 2);
    expect(mean(u.map((v) => (v - 0.5) ** 2))).toBeCloseTo(1 / 12, 2);
    expect(Math.min(...u.subarray(0, 10_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...u.subarray(0, 10_000))).toBeLessThan(1);
  });
  it('normal: first four moments, neighbours uncorrelated', () => {
    const z = normal(key(), n);
    expect(z).toHaveLength(n);
    expect(Math.abs(mean(z))).toBeLessThan(0.02);
    expect(mean(z.map((v) => v * v))).toBeCloseTo(1, 1);
    expect(Math.abs(mean(z.map((v) => v ** 3)))).toBeLessThan(0.06);
    expect(Math.abs(mean(z.map((v) => v ** 4)) - 3)).toBeLessThan(0.15);
    expect(Math.abs(mean(z.subarray(1).map((v, i) => v * z[i]!)))).toBeLessThan(0.02);
  });
  it('integers: all values of a range, about equally often', () => {
    const counts = new Array<number>(7).fill(0);
    for (const v of integers(key(), 70_000, 3, 10)) counts[v - 3]!++;
    for (const c of counts) expect(Math.abs(c - 10_000)).toBeLessThan(400);
  });
  it('permutation: a permutation, and every place is as likely for the first element', () => {
    expect([...permutation(key(), 50)].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const places = new Array<number>(5).fill(0);
    for (let step = 0; step < 5000; step++) places[permutation(key({ step }), 5).indexOf(0)]!++;
    for (const c of places) expect(Math.abs(c - 1000)).toBeLessThan(130);
  });
});
