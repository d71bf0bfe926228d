/** Resolutions a data set can be shown for: the usual ones and the one it is shown for now, each with the models that are made for it. */
import { isWhole, type Model } from '../../main/contract/models.ts';
import { count } from '../ui/format.ts';

const USUAL = [64, 128, 256, 512, 768, 1024];

export function resolutionChoices(now: number | undefined, models: readonly Pick<Model, 'name' | 'resolution' | 'kind'>[]): { id: string; title: string }[] {
  const made = (resolution: number): string[] => models.filter((m) => m.resolution === resolution && isWhole(m)).map((m) => m.name);
  const all = new Set([...USUAL, ...(now === undefined ? [] : [now]), ...models.flatMap((m) => m.resolution ?? [])]);
  return [...all].sort((a, b) => a - b).map((r) => ({ id: String(r), title: `${count(r)} px${made(r).length > 0 ? ` · ${made(r).join(', ')}` : ''}` }));
}
