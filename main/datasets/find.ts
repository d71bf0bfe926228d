/** Which pictures a filter finds, in which order. */
import type { DatasetChange, Target } from '../contract/datasets.ts';
import { AppError } from '../contract/errors.ts';
import type { ItemIndex } from './itemIndex.ts';
import { sameCaptions, type Item } from './model.ts';
import { parseQuery } from './query.ts';
import type { Picture } from './queryFields.ts';
import { decisionsAfter } from './changes.ts';
import type { Change } from './storeJournal.ts';

const sorts: Record<string, (p: Picture) => number> = {
  sharpness: ({ item }) => item.sharpness ?? Infinity, flatness: ({ item }) => item.flatness ?? -1, tokens: ({ item }) => item.tokens ?? -1, width: ({ item }) => item.width ?? 0,
  height: ({ item }) => item.height ?? 0, area: ({ item }) => (item.width ?? 0) * (item.height ?? 0), aspect: ({ item }) => (item.width ?? 0) / (item.height ?? 1), bytes: ({ item }) => item.bytes,
};

/** Throws AppError dataset.query. */
export function findPictures(index: ItemIndex, { query, sort, descending }: { query: string; sort?: string; descending?: boolean }): readonly Picture[] {
  const all = index.pictures();
  const found = query.trim() === '' ? all : all.filter(parseQuery(query));
  const key = sorts[sort ?? 'name'];
  if (key) return found.toSorted((a, b) => (descending ? key(b) - key(a) : key(a) - key(b)));
  return descending ? found.toReversed() : found;
}

/** The pictures a change is meant for. Throws dataset.query, dataset.item_not_found. */
export function targetItems(index: ItemIndex, target: Target): Item[] {
  if ('query' in target) return findPictures(index, target).map((p) => p.item);
  return [...new Set(target.ids)].map((id) => {
    const item = index.item(id);
    if (!item) throw new AppError('dataset.item_not_found', `There is no picture ${id} in this data set.`, 'Reload the page.', { id });
    return item;
  });
}

export const changesOf = (change: DatasetChange, items: readonly Item[]): Change[] => decisionsAfter(change, items).map((changes, i) => ({ itemId: items[i]!.id, changes }));

/** What a change would do to captions, or that it would change something else. */
export function previewOf(change: DatasetChange, items: readonly Item[], limit: number): { changed: number; items: { id: number; file: string; before: string[]; after: string[] }[] } {
  const after = decisionsAfter(change, items);
  const changed = items.flatMap((item, i) => {
    const next = after[i]!;
    const differs = Object.entries(next).some(([k, v]) => JSON.stringify(v) !== JSON.stringify(item[k as keyof Item]));
    return differs ? [{ id: item.id, file: item.file, before: item.captions, after: next.captions && !sameCaptions(next.captions, item.captions) ? next.captions : item.captions }] : [];
  });
  return { changed: changed.length, items: changed.slice(0, limit) };
}
