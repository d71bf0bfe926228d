/** What follows from pictures and settings: buckets, crops, issues. */
import type { DatasetSettings } from '../contract/datasets.ts';
import { bucketSizes } from '../contract/buckets.ts';
import { bestOf } from './duplicates.ts';
import { framingOf, issuesOf, type IssueContext } from './issues.ts';
import type { Item } from './model.ts';
import type { Picture } from './queryFields.ts';

const captionKey = (item: Item): string => item.captions.join('\n');

/** A picture as a candidate for keeping. */
export const asCandidate = (item: Item) => ({ id: item.id, width: item.width ?? 0, height: item.height ?? 0, bytes: item.bytes, sharpness: item.sharpness ?? 0, captions: item.captions, file: item.file, item });

function issueContext(items: readonly Item[], settings: DatasetSettings): IssueContext {
  const byId = new Map(items.map((i) => [i.id, i]));
  const byCaption = Map.groupBy(items.filter((i) => i.captions.length > 0), captionKey);
  const nearGroups = Map.groupBy(items.filter((i) => i.nearGroup !== null), (i) => i.nearGroup!);
  const best = new Map([...nearGroups].map(([group, members]) => [group, bestOf(members.map(asCandidate)).item]));
  return {
    settings, sizes: bucketSizes(settings.bucketing),
    sameCaption: (item) => { const same = byCaption.get(captionKey(item)); return same && same.length > 1 ? same : undefined; },
    fileOf: (id) => byId.get(id)?.file ?? 'a picture that is gone',
    groupSize: (group) => nearGroups.get(group)?.length ?? 0,
    keepOf: (group) => best.get(group),
  };
}

/** Every item with its bucket, crop and issues, in the order given. */
export function derivePictures(items: readonly Item[], settings: DatasetSettings): Picture[] {
  const context = issueContext(items, settings);
  return items.map((item) => {
    const framing = framingOf(item, context.sizes);
    const issues = issuesOf(item, framing, context);
    return { item, bucket: framing?.bucket ?? null, crop: framing?.crop ?? null, flags: issues.map((i) => i.flag), reasons: issues.map((i) => i.reason) };
  });
}
