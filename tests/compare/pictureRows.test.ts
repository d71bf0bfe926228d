/** The same prompts and seeds of every arm side by side, training seed by training seed. */
import { expect, it } from 'vitest';
import { pictureRows, type DrawnRun } from '../../main/compare/service/pictures.ts';
import type { Sample } from '../../main/contract/runData.ts';

const drawn = (seed: number, name: string, over: Partial<Sample>[] = [{}]): DrawnRun => ({ seed, samples: over.map((o) => ({ step: 0, ema: false, prompt: 'p', prompt_index: 0, seed: 1, width: 8, height: 8, url: `${name} ${o.step ?? 0}`, ...o }) as Sample) });

it('trainings with the same seed stand beside each other, A/A goes along in order, and no training is left out', () => {
  const rows = pictureRows([[drawn(1, 'b1'), drawn(2, 'b2')], [drawn(2, 'l2'), drawn(3, 'l3')], [drawn(11, 'a11'), drawn(12, 'a12')]]);
  expect(rows.map((r) => [r.repetition, r.training_seeds, r.urls])).toEqual([
    [0, [1, null, 11], ['b1 0', null, 'a11 0']], [1, [2, 2, 12], ['b2 0', 'l2 0', 'a12 0']], [2, [null, 3, null], [null, 'l3 0', null]],
  ]);
});

it('rows go by prompt, seed and step; what an arm has not drawn yet is empty', () => {
  const rows = pictureRows([[drawn(1, 'b', [{ step: 10 }, { step: 0 }, { step: 0, prompt: 'q', prompt_index: 1 }])], [drawn(1, 'l')]]);
  expect(rows.map((r) => [r.prompt, r.step, r.urls])).toEqual([['p', 0, ['b 0', 'l 0']], ['p', 10, ['b 10', null]], ['q', 0, ['b 0', null]]]);
  expect(pictureRows([])).toEqual([]);
});
