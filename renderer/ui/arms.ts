/** Baseline, LPL and the repeated baseline: one colour, one dash and one letter each, everywhere. */
export type ArmKind = 'baseline' | 'lpl' | 'aa';
export const armStyle: Record<ArmKind, { name: string; letter: string; token: string; dash: number[] }> = {
  baseline: { name: 'Baseline', letter: 'B', token: '--arm-baseline', dash: [6, 3] },
  lpl: { name: 'LPL', letter: 'L', token: '--arm-lpl', dash: [] },
  aa: { name: 'Baseline again (A/A)', letter: 'A', token: '--arm-aa', dash: [2, 3] },
};
