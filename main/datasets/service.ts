/** The data sets' room: everything the contract asks of it, media for the windows, and manifests for runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Bucketing, DatasetManifest } from '../contract/datasetManifest.ts';
import type { datasetMethods } from '../contract/datasets.ts';
import type { Emit } from '../contract/emit.ts';
import { AppError } from '../contract/errors.ts';
import type { Handlers } from '../contract/method.ts';
import type { Db } from '../db/open.ts';
import { createDatasetContext, type JobStarter } from './context.ts';
import { receiveDrop, removeAbandonedDrops } from './drops.ts';
import { editingHandlers } from './editing.ts';
import { lookingHandlers } from './handlers.ts';
import { longHandlers } from './longWork.ts';
import { manifestOf } from './manifest.ts';
import { createCutFiles, createMediaFiles, type MediaFile } from './mediaFiles.ts';
import { OpenSets } from './openSets.ts';
import { roundTripMedia, type RoundTripPort } from './roundTrips.ts';
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
  /** the engine's VAE; without it datasets.roundtrip is refused */
  roundTrip?: RoundTripPort;
  /** the manifest that a run was given */
  manifestOfRun?: (runId: string) => string | undefined;
}

export interface DatasetsService {
  handlers: Handlers<typeof datasetMethods>;
  find(id: string): DatasetRow | undefined;
  /** Freezes the data set (or takes a version of it) and says what training reads. Throws dataset.empty, dataset.not_found. */
  manifestForRun(id: string, bucketing: Bucketing, versionId?: string): DatasetManifest;
  /** Files of pictures by item id: "thumb" (WebP, ≤ 320 px), "view" (upright, sRGB, flattened, ≤ 2048 px). Throws media.not_found. */
  media(kind: 'thumb' | 'view', itemId: number): Promise<MediaFile>;
  /** "item:x-y-w-h:WxH": the picture cut and scaled as training reads it. Throws media.not_found. */
  cutMedia(id: string): Promise<MediaFile>;
  /** One file of a drop that datasets.drop opened. Throws dataset.drop. */
  receive(drop: string, path: string, body: Readable): Promise<void>;
  /** What datasets.roundtrip made, by the key in its result. */
  roundTripMedia(key: string): MediaFile;
}

export function createDatasets({ db, emit, jobs, folder, countTokens, roundTrip, manifestOfRun = () => undefined }: DatasetOptions): DatasetsService {
  const context = createDatasetContext(db, folder, countTokens);
  const open = new OpenSets(context);
  removeAbandonedDrops(context);
  return {
    handlers: { ...lookingHandlers(context, open, manifestOfRun), ...editingHandlers(context, open, emit), ...longHandlers(context, open, emit, jobs, roundTrip) },
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
    receive: (drop, path, body) => receiveDrop(context, drop, path, body),
    media: createMediaFiles(context), cutMedia: createCutFiles(context), roundTripMedia: (key) => roundTripMedia(context, key),
  };
}
