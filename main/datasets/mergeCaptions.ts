/** Captions read from disk against captions edited here: neither is ever lost. */
import type { FoundCaptions } from './captions.ts';
import { kohyaOf } from './kohya.ts';
import { isUnsaved, sameCaptions, type Decisions, type Item } from './model.ts';

export type ReadCaptions = FoundCaptions;

/** `item`: facts to store; `adopt`: captions to take over, as an edit that can be undone. */
export interface Merged { item: Partial<Item>; adopt?: string[] }

/**
 * Nothing edited here: disk wins. Edited here and unchanged on disk: the edit stays. Edited on both sides: a conflict, unless both say the
 * same. A conflict that is already known stays until the person settles it.
 */
export function mergeCaptions(old: Item, read: ReadCaptions): Merged {
  const facts = { captionSource: read.source, captionNote: read.note };
  const taken = { ...facts, diskCaptions: read.captions, sidecarHash: read.sidecarHash, conflictCaptions: null, conflictHash: null };
  if (sameCaptions(read.captions, old.diskCaptions)) return { item: { ...taken, diskCaptions: old.diskCaptions } };
  if (sameCaptions(read.captions, old.captions)) return { item: taken };
  if (!isUnsaved(old)) return { item: taken, adopt: read.captions };
  return { item: { ...facts, conflictCaptions: read.captions, conflictHash: read.sidecarHash } };
}

interface OwnColumns { repeats?: unknown; class_tokens?: unknown; prior?: unknown; weight?: unknown; flip?: unknown; crop?: { cx?: unknown; cy?: unknown } | null; split?: unknown }

const number = (v: unknown, low: number, otherwise: number): number => (typeof v === 'number' && Number.isFinite(v) && v >= low ? v : otherwise);

/** Decisions about a picture seen for the first time: from its kohya folders, and from the `lpl` column that our own export writes. */
export function initialDecisions(file: string, read: ReadCaptions): Partial<Decisions> {
  const kohya = kohyaOf(file);
  const own = (read.row?.columns['lpl'] ?? {}) as OwnColumns;
  const crop = own.crop && typeof own.crop.cx === 'number' && typeof own.crop.cy === 'number' ? { cx: own.crop.cx, cy: own.crop.cy } : null;
  return {
    repeats: Math.round(number(own.repeats, 1, kohya.repeats)), classTokens: typeof own.class_tokens === 'string' ? own.class_tokens : kohya.classTokens,
    prior: typeof own.prior === 'boolean' ? own.prior : kohya.prior, weight: number(own.weight, 0, 1), flip: own.flip !== false, crop,
    split: own.split === 'validation' || kohya.validation ? 'validation' : 'train',
  };
}
