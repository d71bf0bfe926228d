/** What is wrong with a picture or its captions, each flag with its reason in words. */
import type { DatasetFlag, DatasetSettings } from '../contract/datasets.ts';
import { bucketName, nearestBucket, type Crop, type Size } from '../contract/buckets.ts';
import { cropAt, cutAway, needsEnlarging } from './buckets.ts';
import type { Item } from './model.ts';
import { duplicateTags } from './tags.ts';

export interface Issue { flag: DatasetFlag; reason: string }
export interface Framing { bucket: Size; crop: Crop }
/** What an item's flags depend on beyond itself. */
export interface IssueContext {
  settings: DatasetSettings;
  sizes: readonly Size[];
  /** files of pictures with the same captions, first one first; undefined: the captions are its own */
  sameCaption: (item: Item) => readonly Item[] | undefined;
  fileOf: (id: number) => string;
  /** other members of the near-duplicate group */
  groupSize: (group: number) => number;
  keepOf: (group: number) => Item | undefined;
}

/** Bucket and crop of a picture; undefined when it cannot be read. */
export function framingOf(item: Item, sizes: readonly Size[]): Framing | undefined {
  if (item.width === null || item.height === null) return undefined;
  const size = { width: item.width, height: item.height };
  const bucket = nearestBucket(size, sizes);
  return { bucket, crop: cropAt(size, bucket, item.crop) };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function pictureIssues(item: Item, framing: Framing, { settings }: IssueContext): Issue[] {
  const issues: Issue[] = [];
  const size = { width: item.width!, height: item.height! };
  const { bucket, crop } = framing;
  if (needsEnlarging(crop, bucket)) {
    const scale = Math.max(bucket.width / crop[2], bucket.height / crop[3]);
    issues.push({ flag: 'too-small', reason: `${bucketName(size)} px is smaller than its bucket ${bucketName(bucket)}: it would be enlarged ${scale.toFixed(2)} times${settings.bucketing.upscale ? '' : ', so it is left out unless "Enlarge small pictures" is on'}` });
  }
  const aspect = Math.max(size.width / size.height, size.height / size.width);
  if (aspect >= settings.extreme_aspect) issues.push({ flag: 'extreme-aspect', reason: `its sides are ${aspect.toFixed(1)} : 1; cutting it to ${bucketName(bucket)} loses ${percent(cutAway(size, crop))}` });
  if (item.flatness !== null && item.flatness >= settings.flat_threshold) issues.push({ flag: 'flat', reason: `${percent(item.flatness)} of it is one colour` });
  else if (item.sharpness !== null && item.sharpness < settings.sharpness_threshold) issues.push({ flag: 'blurred', reason: `sharpness ${item.sharpness.toFixed(1)} is below ${settings.sharpness_threshold} (variance of the Laplacian)` });
  return issues;
}

function duplicateIssues(item: Item, context: IssueContext): Issue[] {
  if (item.duplicateOf !== null) return [{ flag: 'exact-duplicate', reason: `the same file as ${context.fileOf(item.duplicateOf)}` }];
  if (item.nearGroup === null) return [];
  const keep = context.keepOf(item.nearGroup);
  if (!keep) return [];
  return [{ flag: 'near-duplicate', reason: keep.id === item.id ? `the best of ${context.groupSize(item.nearGroup)} nearly equal pictures` : `nearly the same picture as ${keep.file}, which is the one to keep` }];
}

function captionIssues(item: Item, context: IssueContext): Issue[] {
  const { token_limit } = context.settings;
  if (!item.captions.some((c) => c.trim() !== '')) {
    return [{ flag: 'no-caption', reason: item.captionSource === 'sidecar' ? 'its caption file is empty' : 'there is no caption file, no metadata row and no class word for it' }];
  }
  const issues: Issue[] = [];
  if (item.tokens !== null && item.tokens > token_limit) issues.push({ flag: 'caption-too-long', reason: `${item.tokens} tokens: the text encoder reads the first ${token_limit}` });
  const same = context.sameCaption(item);
  if (same) issues.push({ flag: 'same-caption', reason: `${same.length - 1} other picture${same.length === 2 ? ' has' : 's have'} this caption, such as ${same.find((i) => i.id !== item.id)!.file}` });
  const twice = item.captions.flatMap(duplicateTags);
  if (twice.length > 0) issues.push({ flag: 'duplicate-tags', reason: `more than once: ${[...new Set(twice)].join(', ')}` });
  return issues;
}

/** All issues of one picture, in the order of datasetFlags. */
export function issuesOf(item: Item, framing: Framing | undefined, context: IssueContext): Issue[] {
  const picture: Issue[] = framing ? [] : [{ flag: 'unreadable', reason: item.problem ?? 'it could not be read' }];
  if (framing) {
    const own = pictureIssues(item, framing, context);
    const isShape = (i: Issue) => i.flag === 'too-small' || i.flag === 'extreme-aspect';
    picture.push(...own.filter(isShape), ...duplicateIssues(item, context), ...own.filter((i) => !isShape(i)));
  } else picture.push(...duplicateIssues(item, context));
  return [...picture, ...captionIssues(item, context)];
}
