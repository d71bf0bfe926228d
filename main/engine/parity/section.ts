/** One part of the parity check: files of a fixtures folder, and the quantities computed again and compared with them. */
export interface ParityResult {
  section: string;
  quantity: string;
  /** largest difference, relative to the expected values' largest magnitude unless the note says otherwise */
  error: number;
  tolerance: number;
  pass: boolean;
  note?: string;
}

export interface ParitySection {
  name: string;
  /** what the part needs, relative to the folder; any of them lacking makes the part absent */
  files: string[];
  run(dir: string): AsyncGenerator<ParityResult>;
}

/** Tolerances of the fixtures' README. */
export const TOLERANCE = { forward: 1e-4, loss: 1e-4, gradient: 1e-3, weights: 1e-2, exact: 0 } as const;

/** Largest difference relative to the expected values' largest magnitude; Infinity on another length or a value that is not finite. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0, size = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!);
    if (!(d < Infinity)) return Infinity;
    difference = Math.max(difference, d);
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : size === 0 ? Infinity : difference / size;
}

/** Share of values that are not the same; Infinity on another length. */
export function mismatch(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let wrong = 0;
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) wrong++;
  return expected.length === 0 ? 0 : wrong / expected.length;
}

/** A result from an error and its tolerance. */
export function judge(section: string, quantity: string, error: number, tolerance: number, note?: string): ParityResult {
  return { section, quantity, error, tolerance, pass: error <= tolerance, ...(note ? { note } : {}) };
}
