/** Sample pictures as a table: one row per prompt and seed, one column per step. */
import type { Sample } from '../../main/contract/runData.ts';

export interface SampleRow { key: string; prompt: string; promptIndex: number; seed: number; /** by step */ cells: Map<number, Sample> }
export interface SampleTable { steps: number[]; rows: SampleRow[]; hasEma: boolean }

/** `ema`: the averaged weights' pictures where there are any, else the plain ones. Prompts changed in between get rows of their own. */
export function sampleTable(samples: readonly Sample[], ema: boolean): SampleTable {
  const hasEma = samples.some((s) => s.ema);
  const rows = new Map<string, SampleRow>();
  const steps = new Set<number>();
  for (const s of samples) {
    if (hasEma && s.ema !== ema) continue;
    const key = `${s.prompt_index}|${s.seed}|${s.prompt}|${s.negative_prompt}`;
    const row = rows.get(key) ?? { key, prompt: s.prompt, promptIndex: s.prompt_index, seed: s.seed, cells: new Map<number, Sample>() };
    row.cells.set(s.step, s);
    rows.set(key, row);
    steps.add(s.step);
  }
  const sorted = [...rows.values()].sort((a, b) => a.promptIndex - b.promptIndex || a.seed - b.seed || a.prompt.localeCompare(b.prompt));
  return { steps: [...steps].sort((a, b) => a - b), rows: sorted, hasEma };
}
