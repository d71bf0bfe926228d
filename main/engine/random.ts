/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 *
 * Every draw is a pure function of (seed, stream, step, sample), never of how often or in which order something was
 * drawn before: two arms of a comparison see the same noise, and a resumed run goes on as if it had never stopped.
 */

/** What a draw is for. Numbers are part of every run's identity: append, never renumber. */
export const STREAMS = {
  noise: 1, timesteps: 2, order: 3, flip: 4, crop: 5, posterior: 6, noise_offset: 7, lora_dropout: 8, empty_prompt: 9,
  lora_init: 10, sample_noise: 11, sampler: 12, validation_noise: 13, validation_timesteps: 14, caption_choice: 15, test: 16, weight_init: 17,
} as const;
export type Stream = keyof typeof STREAMS;

/** Names one draw. `seed` is any safe integer >= 0; `step` and `sample` are 32-bit. */
export interface DrawKey { seed: number; stream: Stream; step?: number; sample?: number }

type Words = [number, number, number, number];

/** High 32 bits of the 64-bit product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff, a1 = a >>> 16, b0 = b & 0xffff, b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const low = a0 * b1 + (middle % 0x10000);
  return (a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(low / 0x10000)) >>> 0;
}

/** The Philox4x32 block function with 10 rounds: 128-bit counter, 64-bit key -> 128 random bits. */
export function philox4x32(counter: Readonly<Words>, key: readonly [number, number]): Words {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const hi0 = mulHigh(0xd2511f53, c0), lo0 = Math.imul(0xd2511f53, c0);
    const hi1 = mulHigh(0xcd9e8d57, c2), lo1 = Math.imul(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(hi1 ^ c1 ^ k0) >>> 0, lo1 >>> 0, (hi0 ^ c3 ^ k1) >>> 0, lo0 >>> 0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The first `n` 32-bit words of the draw. */
export function words(key: DrawKey, n: number): Uint32Array {
  const { seed, stream, step = 0, sample = 0 } = key;
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed must be a whole number >= 0, not ${seed}`);
  const k: [number, number] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  const out = new Uint32Array(Math.ceil(n / 4) * 4);
  for (let block = 0; block * 4 < n; block++) out.set(philox4x32([block, sample >>> 0, step >>> 0, STREAMS[stream]], k), block * 4);
  return out.subarray(0, n);
}

/** `n` numbers, uniform in [0, 1), 24 bits each (exact in float32). */
export function uniform(key: DrawKey, n: number): Float32Array {
  return Float32Array.from(words(key, n), (w) => (w >>> 8) * 2 ** -24);
}

/** `n` standard normal numbers (Box & Muller 1958). */
export function normal(key: DrawKey, n: number): Float32Array {
  const w = words(key, n + (n & 1));
  const out = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((w[i]! + 0.5) * 2 ** -32));
    const angle = 2 * Math.PI * (w[i + 1]! * 2 ** -32);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < n) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** `n` whole numbers, uniform in [low, high): 53 bits each, so that the bias is below range / 2^53. */
export function integers(key: DrawKey, n: number, low: number, high: number): Int32Array {
  const w = words(key, 2 * n);
  return Int32Array.from({ length: n }, (_, i) => low + Math.floor((w[2 * i]! * 2 ** 21 + (w[2 * i + 1]! >>> 11)) * 2 ** -53 * (high - low)));
}

/** A uniformly random order of 0 … n-1 (Fisher & Yates). */
export function permutation(key: DrawKey, n: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const w = words(key, 2 * n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor((w[2 * i]! * 2 ** 21 + (w[2 * i + 1]! >>> 11)) * 2 ** -53 * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
