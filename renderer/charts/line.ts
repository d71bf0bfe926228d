/** A line of a chart: ascending x, with y of the same length. */
export interface Line {
  id: string;
  label: string;
  x: readonly number[];
  y: readonly number[];
  /** name of a colour token, "--arm-lpl" */
  colour: string;
  dash?: readonly number[];
  /** drawn thin and pale behind the others, and left out of the legend: raw values behind smoothed ones */
  faint?: boolean;
  /** spread around the line, as long as y */
  band?: { low: readonly number[]; high: readonly number[] };
}
export type Range = readonly [number, number];

/** Colours for lines that are no arms (the layers of LPL), told apart by dash as well. */
export const layerColours = ['--chart-1', '--chart-2', '--chart-3', '--chart-4', '--chart-5', '--chart-6'] as const;
export const layerDashes: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [4, 2]];
