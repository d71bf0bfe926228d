/** Which steps lie in a visible part of the x axis, with some to spare: the neighbours of its ends among the known points of every arm. */
import type { ArmCurve } from '../../main/contract/compare.ts';
import type { Range } from '../charts/line.ts';

export type Axis = 'step' | 'seconds';

export function stepsBetween(curves: readonly Pick<ArmCurve, 'points'>[], [from, to]: Range, axis: Axis): [number, number] {
  const ends = curves.filter((c) => c.points.length > 0).map(({ points }) => [
    points.findLast((p) => p[axis] <= from)?.step ?? points[0]!.step, points.find((p) => p[axis] >= to)?.step ?? points.at(-1)!.step,
  ] as const);
  return [Math.min(...ends.map((e) => e[0])), Math.max(...ends.map((e) => e[1]))];
}
