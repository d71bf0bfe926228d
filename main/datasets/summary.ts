/** A data set at a glance. */
import { bucketName, bucketSizes } from '../contract/buckets.ts';
import type { Bucketing } from '../contract/datasetManifest.ts';
import type { datasetMethods } from '../contract/datasets.ts';
import type { z } from 'zod';
import type { DatasetContext } from './context.ts';
import type { ItemIndex } from './itemIndex.ts';
import { framingOf } from './issues.ts';
import { whyLeftOut } from './manifest.ts';
import type { Item } from './model.ts';
import { folderOf } from './queryFields.ts';

export type Summary = z.output<(typeof datasetMethods)['datasets.summary']['result']>;

/** A bucket with fewer samples an epoch than this cannot fill a usual batch. */
const LONELY = 4;

/** The one value all have, or null. */
const common = <T>(values: readonly T[]): T | null => (values.every((v) => v === values[0]) ? values[0] ?? null : null);

const RESOLUTIONS = [64, 128, 256, 384, 512, 768, 1024];

/** The largest usual resolution whose area nine in ten of the pictures have; the smallest one for none. */
function fittingResolution(used: readonly Item[]): number {
  const sides = used.map((item) => Math.sqrt(item.width! * item.height!)).sort((a, b) => a - b);
  const low = sides[Math.floor(sides.length / 10)] ?? 0;
  return RESOLUTIONS.findLast((r) => r <= low) ?? RESOLUTIONS[0]!;
}

/** `bucketing`: of a run; else the data set's own. What training takes is what the run's manifest would hold. */
export function summaryOf(context: DatasetContext, id: string, index: ItemIndex, bucketing: Bucketing = index.settings.bucketing): Summary {
  const sizes = bucketSizes(bucketing);
  const used = index.items().filter((i) => !i.excluded && i.width !== null);
  const taken = used.filter((i) => whyLeftOut(i, bucketing, sizes) === undefined), trained = taken.filter((i) => i.split === 'train');
  const samples = (items: readonly Item[]): number => items.reduce((sum, i) => sum + i.repeats, 0);
  const framed = trained.map((item) => ({ item, bucket: framingOf(item, sizes)!.bucket }));
  const buckets = [...Map.groupBy(framed, ({ bucket }) => bucketName(bucket)).values()].map((group) => {
    const { width, height } = group[0]!.bucket, shown = samples(group.map(({ item }) => item));
    return { width, height, pictures: group.length, samples: shown, lonely: shown < LONELY };
  });
  const folders = [...Map.groupBy(index.items(), (i) => folderOf(i.file))].map(([folder, items]) => ({
    folder, pictures: items.length, repeats: common(items.map((i) => i.repeats)), class_tokens: common(items.map((i) => i.classTokens)), prior: items.every((i) => i.prior),
  }));
  return {
    too_small: used.length - taken.length, trained: trained.length, held_out: taken.length - trained.length, fits: fittingResolution(used),
    flags: index.flagCounts(), buckets: buckets.sort((a, b) => b.pictures - a.pictures || a.width - b.width), folders: folders.sort((a, b) => (a.folder < b.folder ? -1 : 1)),
    notes: context.store.get(id).notes, samples_per_epoch: samples(trained), columns: context.store.get(id).columns,
    formats: [...Map.groupBy(index.items(), (i) => i.format ?? 'unreadable')].map(([format, items]) => ({ format, pictures: items.length })).sort((a, b) => b.pictures - a.pictures),
  };
}
