/** A version of a data set as training reads it. */
import { join } from 'node:path';
import type { Bucketing, DatasetManifest, ManifestItem } from '../contract/datasetManifest.ts';
import { bucketName, bucketSizes, type Size } from '../contract/buckets.ts';
import { needsEnlarging } from './buckets.ts';
import { framingOf } from './issues.ts';
import type { Item } from './model.ts';
import type { DatasetVersion } from '../contract/datasets.ts';
import type { VersionContent } from './versions.ts';

export interface ManifestInput {
  name: string;
  version: DatasetVersion;
  content: VersionContent;
  /** of the run, which may differ from the data set's own */
  bucketing: Bucketing;
  /** where a content lies today, when it is no longer where the version says */
  pathOf?: (item: Item) => string | undefined;
}

/** Why training leaves a picture out, or undefined. */
export function whyLeftOut(item: Item, bucketing: Bucketing, sizes: readonly Size[]): string | undefined {
  if (item.excluded) return item.excludedReason ?? 'excluded by hand';
  const framing = framingOf(item, sizes);
  if (!framing) return item.problem ?? 'it could not be read';
  if (bucketing.upscale || !needsEnlarging(framing.crop, framing.bucket)) return undefined;
  return `${item.width}x${item.height} px is smaller than its bucket ${bucketName(framing.bucket)}: allow "Enlarge small pictures" or lower the resolution to use it`;
}

/** The manifest; pictures without captions of their own get their folder's class words. */
export function manifestOf({ name, version, content, bucketing, pathOf }: ManifestInput): DatasetManifest {
  const sizes = bucketSizes(bucketing);
  const items: ManifestItem[] = [], left_out: DatasetManifest['left_out'] = [];
  for (const item of content.items.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.id - b.id))) {
    const reason = whyLeftOut(item, bucketing, sizes);
    if (reason !== undefined) { left_out.push({ name: item.file, reason }); continue; }
    const { bucket, crop } = framingOf(item, sizes)!;
    const captions = item.captions.length > 0 || item.classTokens === '' ? item.captions : [item.classTokens];
    items.push({
      id: item.id, file: pathOf?.(item) ?? join(content.root, item.file), name: item.file, contentHash: item.contentHash!, captions, repeats: item.repeats,
      bucket: [bucket.width, bucket.height], crop, cropFixed: item.crop !== null, width: item.width!, height: item.height!, flip: item.flip, weight: item.weight, prior: item.prior, split: item.split,
    });
  }
  const dataset = { id: version.dataset_id, name, versionId: version.id, versionNumber: version.number, hash: version.hash };
  return { format: 'lpl-dataset', version: 1, dataset, bucketing, background: content.settings.background, items, left_out };
}
