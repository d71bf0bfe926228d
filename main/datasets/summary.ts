/** A data set at a glance. */
import type { datasetMethods } from '../contract/datasets.ts';
import type { z } from 'zod';
import type { DatasetContext } from './context.ts';
import type { ItemIndex } from './itemIndex.ts';
import { folderOf, type Picture } from './queryFields.ts';

export type Summary = z.output<(typeof datasetMethods)['datasets.summary']['result']>;

/** A bucket with fewer samples an epoch than this cannot fill a usual batch. */
const LONELY = 4;

/** The one value all have, or null. */
const common = <T>(values: readonly T[]): T | null => (values.every((v) => v === values[0]) ? values[0] ?? null : null);

const RESOLUTIONS = [64, 128, 256, 384, 512, 768, 1024];

/** The largest usual resolution whose area nine in ten of the pictures have; the smallest one for none. */
function fittingResolution(used: readonly Picture[]): number {
  const sides = used.map(({ item }) => Math.sqrt(item.width! * item.height!)).sort((a, b) => a - b);
  const low = sides[Math.floor(sides.length / 10)] ?? 0;
  return RESOLUTIONS.findLast((r) => r <= low) ?? RESOLUTIONS[0]!;
}

export function summaryOf(context: DatasetContext, id: string, index: ItemIndex): Summary {
  const used = index.pictures().filter((p) => !p.item.excluded && p.bucket !== null);
  const buckets = [...Map.groupBy(used, (p) => `${p.bucket!.width}x${p.bucket!.height}`).values()].map((group) => {
    const samples = group.reduce((s, p) => s + p.item.repeats, 0);
    return { width: group[0]!.bucket!.width, height: group[0]!.bucket!.height, pictures: group.length, samples, lonely: samples < LONELY };
  });
  const folders = [...Map.groupBy(index.items(), (i) => folderOf(i.file))].map(([folder, items]) => ({
    folder, pictures: items.length, repeats: common(items.map((i) => i.repeats)), class_tokens: common(items.map((i) => i.classTokens)), prior: items.every((i) => i.prior),
  }));
  const { upscale } = index.settings.bucketing;
  const taken = used.filter((p) => upscale || !p.flags.includes('too-small')), trained = taken.filter((p) => p.item.split === 'train').length;
  return {
    too_small: used.length - taken.length, trained, held_out: taken.length - trained, fits: fittingResolution(used),
    flags: index.flagCounts(), buckets: buckets.sort((a, b) => b.pictures - a.pictures || a.width - b.width), folders: folders.sort((a, b) => (a.folder < b.folder ? -1 : 1)),
    notes: context.store.get(id).notes, samples_per_epoch: used.reduce((s, p) => s + (p.item.split === 'train' ? p.item.repeats : 0), 0), columns: context.store.get(id).columns,
    formats: [...Map.groupBy(index.items(), (i) => i.format ?? 'unreadable')].map(([format, items]) => ({ format, pictures: items.length })).sort((a, b) => b.pictures - a.pictures),
  };
}
