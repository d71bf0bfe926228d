/** The data sets' room: everything the contract asks of it, media for the windows, and manifests for runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Bucketing, DatasetManifest } from '../contract/datasetManifest.ts';
import type { datasetMethods } from '../contract/datasets.ts';
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { Db } from '../db/open.ts';
import { createDatasetContext, type JobStarter } from './context.ts';
import { editingHandlers } from './editing.ts';
import { lookingHandlers } from './handlers.ts';
import { longHandlers } from './longWork.ts';
import { manifestOf } from './manifest.ts';
import { createMediaFiles, type MediaFile } from './mediaFiles.ts';
import { OpenSets } from './openSets.ts';
import type { DatasetRow } from './store.ts';
import type { CountTokens } from './tokens.ts';
import { openVersion, snapshot } from './versions.ts';

export interface DatasetOptions {
  db: Db;
  emit: Emit;
  jobs: JobStarter;
  /** the app's folder for data sets: thumbnails, unpacked zips */
  folder: string;
  /** tokens of a caption by the model's tokenizer, without beginning and end; null: not counted */
  countTokens: CountTokens | null;
}

export interface DatasetsService {
  handlers: Handlers<typeof datasetMethods>;
  find(id: string): DatasetRow | undefined;
  /** Freezes the data set (or takes a version of it) and says what training reads. Throws dataset.empty, dataset.not_found. */
  manifestForRun(id: string, bucketing: Bucketing, versionId?: string): DatasetManifest;
  /** Files of pictures by item id: "thumb" (WebP, ≤ 320 px), "view" (upright, sRGB, flattened, ≤ 2048 px). Throws media.not_found. */
  media(kind: 'thumb' | 'view', itemId: number): Promise<MediaFile>;
}

export function createDatasets({ db, emit, jobs, folder, countTokens }: DatasetOptions): DatasetsService {
  const context = createDatasetContext(db, folder, countTokens);
  const open = new OpenSets(context);
  return {
    handlers: { ...lookingHandlers(context, open), ...editingHandlers(context, open, emit), ...longHandlers(context, open, emit, jobs) },
    find: (id) => context.store.list().find((row) => row.id === id),
    manifestForRun(id, bucketing, versionId) {
      const row = context.store.get(id);
      const { version, content } = openVersion(context, versionId ?? snapshot(context, id, '').id);
      const today = new Map(context.items.all(id).map((i) => [i.contentHash, join(row.root, i.file)]));
      const pathOf = (item: { contentHash: string | null; file: string }) => { const path = join(content.root, item.file); return existsSync(path) ? path : today.get(item.contentHash); };
      const manifest = manifestOf({ name: row.name, version, content, bucketing, pathOf });
      if (!manifest.items.some((i) => i.split === 'train' && !i.prior)) throw new AppError('dataset.empty', `"${row.name}" leaves no picture to train on: ${manifest.left_out.length} are left out${manifest.left_out[0] ? `, such as ${manifest.left_out[0].name}: ${manifest.left_out[0].reason}` : ''}.`, 'Include some, lower the resolution, or allow enlarging.', { left_out: manifest.left_out.slice(0, 20) });
      return manifest;
    },
    media: createMediaFiles(context),
  };
}
