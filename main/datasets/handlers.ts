/** The contract's methods that look at a data set. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { datasetManifestSchema } from '../contract/datasetManifest.ts';
import type { datasetMethods } from '../contract/datasets.ts';
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { DatasetContext } from './context.ts';
import { derivePictures } from './derive.ts';
import { findPictures, previewOf, targetItems } from './find.ts';
import type { OpenSets } from './openSets.ts';
import { summaryOf } from './summary.ts';
import { tagFrequencies } from './tags.ts';
import { cutCaption } from './tokens.ts';
import { openVersion } from './versions.ts';
import { datasetView, itemView } from './views.ts';

type Looking = 'list' | 'get' | 'items' | 'ids' | 'item' | 'summary' | 'groups' | 'tags' | 'preview' | 'history' | 'versions' | 'version' | 'ofRun';

export function lookingHandlers(context: DatasetContext, open: OpenSets, manifestOfRun: (runId: string) => string | undefined): Pick<Handlers<typeof datasetMethods>, `datasets.${Looking}`> {
  const { store, journal } = context;
  const view = (id: string) => datasetView(context, id, open.peek(id));
  return {
    'datasets.list': () => store.list().map((row) => view(row.id)),
    'datasets.get': ({ id }) => view(id),
    'datasets.items': ({ id, offset, limit, ...find }) => {
      const found = findPictures(open.get(id), find);
      return { total: found.length, items: found.slice(offset, offset + limit).map(itemView) };
    },
    'datasets.ids': ({ id, ...find }) => findPictures(open.get(id), find).map((p) => p.item.id),
    'datasets.item': ({ id, item_id }) => {
      const index = open.get(id);
      const [item] = targetItems(index, { ids: [item_id] });
      const picture = index.pictures().find((p) => p.item === item)!;
      const count = context.countTokens ?? (() => 0);
      return { ...itemView(picture), pieces: item!.captions.map((c) => cutCaption(c, index.settings.token_limit, count)), path: join(store.get(id).root, item!.file) };
    },
    'datasets.summary': ({ id, bucketing }) => summaryOf(context, id, open.get(id), bucketing),
    'datasets.groups': ({ id }) => {
      const index = open.get(id);
      return index.groups().map((g) => ({ ...g, about: g.items.map((i) => { const { file, width, height, excluded } = index.item(i)!; return { file, width: width!, height: height!, excluded }; }) }));
    },
    'datasets.tags': ({ id, query, prefix, limit }) => {
      const start = prefix.trim().toLowerCase();
      const all = tagFrequencies(findPictures(open.get(id), { query }).map((p) => p.item.captions));
      const matching = start === '' ? all : [...all.filter((t) => t.tag.toLowerCase().startsWith(start)), ...all.filter((t) => !t.tag.toLowerCase().startsWith(start) && t.tag.toLowerCase().includes(start))];
      return matching.slice(0, limit);
    },
    'datasets.preview': ({ id, target, change, limit }) => previewOf(change, targetItems(open.get(id), target), limit),
    'datasets.history': ({ id, limit }) => journal.history(id, limit).map((e) => ({ label: e.label, at: e.at, pictures: e.pictures, undone: e.undone === 1 })),
    'datasets.versions': ({ id }) => { store.get(id); return store.versions(id); },
    'datasets.ofRun': ({ run_id }) => {
      const file = manifestOfRun(run_id);
      if (!file || !existsSync(file)) return null;
      const { dataset } = datasetManifestSchema.pick({ dataset: true }).strip().parse(JSON.parse(readFileSync(file, 'utf8')));
      return store.list().some((row) => row.id === dataset.id) ? { dataset_id: dataset.id, version_id: dataset.versionId } : null;
    },
    'datasets.version': ({ version_id, offset, limit }) => {
      const { content } = openVersion(context, version_id);
      const pictures = derivePictures(content.items, content.settings);
      return { total: pictures.length, items: pictures.slice(offset, offset + limit).map(itemView) };
    },
  };
}

/** What a data set's id must not be while a job works on it. */
export const busy = (name: string): AppError => new AppError('dataset.busy', `"${name}" is being read just now.`, 'Wait until it is done, or cancel it.');
