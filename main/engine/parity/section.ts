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

/** A part of a section that cannot be compared: the files hold neither its values nor, perhaps, what it is computed from. */
export interface AbsentPart {
  section: string;
  part: string;
  /** what the files lack, by its name in them */
  absent: string[];
}
export type ParityFinding = ParityResult | AbsentPart;

export interface ParitySection {
  name: string;
  /** what the part needs, relative to the folder; any of them lacking makes the part absent */
  files: string[];
  run(dir: string): AsyncGenerator<ParityFinding>;
}

/** Tolerances of the fixtures' README. */
export const TOLERANCE = { forward: 1e-4, loss: 1e-4, gradient: 1e-3, weights: 1e-2, exact: 0 } as const;

/** A result from an error and its tolerance; an error that is not a number does not pass. */
export function judge(section: string, quantity: string, error: number, tolerance: number, note?: string): ParityResult {
  return { section, quantity, error, tolerance, pass: error <= tolerance, ...(note ? { note } : {}) };
}

export const absentPart = (section: string, part: string, absent: string[]): AbsentPart => ({ section, part, absent });

/** Those of `names` that `there` does not have. */
export const lacking = (there: { has(name: string): boolean }, names: readonly string[]): string[] => names.filter((name) => !there.has(name));

/** Share of values that are not the same; Infinity on another length. */
export function mismatch(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let wrong = 0;
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) wrong++;
  return expected.length === 0 ? 0 : wrong / expected.length;
}
