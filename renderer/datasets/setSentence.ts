/** What training would take of a data set, in one sentence that names the resolution (px) it holds for. */
import type { Dataset } from '../../main/contract/datasets.ts';
import type { Result } from '../../main/contract/methods.ts';
import { count } from '../ui/format.ts';

type Summary = Result<'datasets.summary'>;

export function setSentence({ counts }: Pick<Dataset, 'counts'>, resolution: number, { trained, held_out, too_small }: Pick<Summary, 'trained' | 'held_out' | 'too_small'>): string {
  const parts = [[trained, 'to train on'], [held_out, 'held out for validation'], [too_small, 'too small'], [counts.excluded, 'excluded'], [counts.unreadable, 'unreadable']] as const;
  return `At ${count(resolution)} px: ${parts.filter(([n], i) => i === 0 || n > 0).map(([n, what]) => `${count(n)} ${what}`).join(', ')}`;
}

/** Filter for what `trained` counts. */
export const trainedQuery = ({ settings }: Pick<Dataset, 'settings'>): string => `excluded:no split:train -issue:unreadable${settings.bucketing.upscale ? '' : ' -issue:too-small'}`;
