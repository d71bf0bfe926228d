/** The same prompts and seeds of every arm side by side, training seed by training seed: those drawn while training, at every step. */
import type { ComparedPictures } from '../../contract/compare.ts';
import type { Sample } from '../../contract/runData.ts';

export interface DrawnRun { seed: number; samples: readonly Sample[] }

/**
 * Repetitions across arms: by the first arm's training seeds; an arm that shares none of them (A/A) goes along in order, and one that has more
 * repetitions than the first arm adds rows of its own.
 */
function repetitions(arms: readonly (readonly DrawnRun[])[]): (DrawnRun | null)[][] {
  const seeds = (arms[0] ?? []).map((r) => r.seed);
  const inOrder = arms.map((arm) => {
    if (!arm.some((r) => seeds.includes(r.seed))) return arm;
    const own = seeds.map((s) => arm.find((r) => r.seed === s) ?? null);
    return [...own, ...arm.filter((r) => !seeds.includes(r.seed))];
  });
  return Array.from({ length: Math.max(0, ...inOrder.map((a) => a.length)) }, (_, i) => inOrder.map((arm) => arm[i] ?? null)).filter((row) => row.some((r) => r !== null));
}

/** `arms`: each arm's runs in order. Rows that only one arm has are kept: the others may follow. */
export function pictureRows(arms: readonly (readonly DrawnRun[])[]): ComparedPictures[] {
  return repetitions(arms).flatMap((runs, repetition) => {
    const rows = new Map<string, ComparedPictures & { index: number }>(), training_seeds = runs.map((r) => r?.seed ?? null);
    runs.forEach((run, arm) => {
      for (const s of run?.samples ?? []) {
        const key = JSON.stringify([s.step, s.ema, s.prompt, s.seed]);
        const row = rows.get(key) ?? { prompt: s.prompt, seed: s.seed, step: s.step, ema: s.ema, width: s.width, height: s.height, repetition, training_seeds, urls: runs.map(() => null), index: s.prompt_index };
        row.urls[arm] = s.url;
        rows.set(key, row);
      }
    });
    return [...rows.values()].sort((a, b) => a.index - b.index || a.seed - b.seed || a.step - b.step).map(({ index: _index, ...row }) => row);
  });
}
