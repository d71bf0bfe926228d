/** The same prompts and seeds of every arm side by side: those drawn while training, at every step. */
import type { ComparedPictures } from '../../contract/compare.ts';
import type { Sample } from '../../contract/runData.ts';

/** `samples`: of each arm's first repetition. Rows that only one arm has are kept: the others may follow. */
export function pictureRows(samples: readonly (readonly Sample[])[]): ComparedPictures[] {
  const rows = new Map<string, ComparedPictures & { index: number }>();
  samples.forEach((list, arm) => {
    for (const s of list) {
      const key = JSON.stringify([s.step, s.ema, s.prompt, s.seed]);
      const row = rows.get(key) ?? { prompt: s.prompt, seed: s.seed, step: s.step, ema: s.ema, width: s.width, height: s.height, urls: samples.map(() => null), index: s.prompt_index };
      row.urls[arm] = s.url;
      rows.set(key, row);
    }
  });
  return [...rows.values()].sort((a, b) => a.index - b.index || a.seed - b.seed || a.step - b.step).map(({ index: _index, ...row }) => row);
}
