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

/** How many columns a run's grid will have at its end: step 0, every so many steps, the last step. */
export function columnsOf({ total_steps, config: { samples: { sample_every } } }: { total_steps: number; config: { samples: { sample_every: number } } }): number {
  return sample_every > 0 ? 1 + Math.max(1, Math.ceil(total_steps / sample_every)) : 2;
}

/** Width of the prompts beside the pictures, and what lies between two pictures, px. */
const PROMPTS = 132, GAP = 4;
/** A picture's side, px: between 104 and 168, in steps of 8, so large that `columns` fit into `width` where they can. */
export const fittingCell = (width: number, columns: number): number => Math.min(168, Math.max(104, Math.floor(((width - PROMPTS) / columns - GAP) / 8) * 8));
