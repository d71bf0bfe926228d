/** Pictures and data sets as the contract shows them. */
import { existsSync } from 'node:fs';
import type { Dataset, DatasetItem } from '../contract/datasets.ts';
import type { DatasetContext } from './context.ts';
import type { ItemIndex } from './itemIndex.ts';
import { isUnsaved } from './model.ts';
import type { Picture } from './queryFields.ts';

export function itemView({ item, bucket, crop, flags, reasons }: Picture): DatasetItem {
  return {
    id: item.id, file: item.file, content_hash: item.contentHash, format: item.format, bytes: item.bytes, width: item.width, height: item.height,
    orientation: item.orientation, alpha: item.alpha, profile: item.profile, animated: item.animated,
    bucket: bucket && [bucket.width, bucket.height], crop, crop_place: item.crop, captions: item.captions, caption_source: item.captionSource, caption_note: item.captionNote,
    tokens: item.tokens, unsaved: isUnsaved(item), conflict: item.conflictCaptions, sharpness: item.sharpness, flatness: item.flatness, flags, reasons,
    duplicate_of: item.duplicateOf, near_group: item.nearGroup, excluded: item.excluded, excluded_reason: item.excludedReason,
    repeats: item.repeats, class_tokens: item.classTokens, prior: item.prior, weight: item.weight, flip: item.flip, split: item.split,
  };
}

/** `index`: where it is in memory; the tables are asked otherwise. */
export function datasetView(context: DatasetContext, id: string, index: ItemIndex | undefined): Dataset {
  const { notes: _notes, columns: _columns, ...row } = context.store.get(id);
  return { ...row, available: existsSync(row.root), counts: index?.counts() ?? context.items.counts(id), job_id: context.working.get(id) ?? null, problem: context.failed.get(id) ?? null, ...context.journal.next(id) };
}
