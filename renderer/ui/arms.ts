/** Baseline, LPL and the repeated baseline: one colour, one dash and one letter each, everywhere. */
export type ArmKind = 'baseline' | 'lpl' | 'aa' | 'other';
export const armStyle: Record<ArmKind, { name: string; letter: string; token: string; dash: number[] }> = {
  baseline: { name: 'Baseline', letter: 'B', token: '--arm-baseline', dash: [6, 3] },
  lpl: { name: 'LPL', letter: 'L', token: '--arm-lpl', dash: [] },
  other: { name: 'Other', letter: 'O', token: '--chart-4', dash: [8, 3, 2, 3] },
  aa: { name: 'Baseline again (A/A)', letter: 'A', token: '--arm-aa', dash: [2, 3] },
};

/** Several arms of one kind keep its colour and differ in dash and number: L, L2, L3 … */
export function armMarks(kinds: readonly ArmKind[]): { letter: string; token: string; dash: number[] }[] {
  const seen = new Map<ArmKind, number>();
  return kinds.map((kind) => {
    const n = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, n);
    const { letter, token, dash } = armStyle[kind];
    return { letter: n === 1 ? letter : `${letter}${n}`, token, dash: n === 1 ? dash : [[10, 3], [5, 2, 1, 2], [1, 3], [14, 4, 2, 4]][(n - 2) % 4]! };
  });
}
