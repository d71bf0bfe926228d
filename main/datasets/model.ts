/** A picture of a data set as the rooms of datasets hand it around: facts of the file, and what the person decided. */
import type { CaptionSource } from './captions.ts';
import type { CropPlace } from './buckets.ts';

export type Split = 'train' | 'validation';

/** What a person can change; every one of these is undone and redone by the journal. */
export interface Decisions {
  captions: string[];
  excluded: boolean;
  excludedReason: string | null;
  repeats: number;
  classTokens: string;
  prior: boolean;
  weight: number;
  flip: boolean;
  crop: CropPlace | null;
  split: Split;
}
export const decisionFields = ['captions', 'excluded', 'excludedReason', 'repeats', 'classTokens', 'prior', 'weight', 'flip', 'crop', 'split'] as const satisfies (keyof Decisions)[];

export interface Item extends Decisions {
  id: number;
  /** relative to the data set's root, "/" between folders */
  file: string;
  bytes: number;
  mtimeMs: number;
  contentHash: string | null;
  format: string | null;
  /** upright, px; null when unreadable */
  width: number | null;
  height: number | null;
  orientation: number | null;
  alpha: boolean;
  profile: string | null;
  animated: boolean;
  sharpness: number | null;
  flatness: number | null;
  problemCode: string | null;
  problem: string | null;
  duplicateOf: number | null;
  nearGroup: number | null;
  diskCaptions: string[];
  captionSource: CaptionSource;
  /** relative path that captions are read from or will be written to */
  sidecar: string | null;
  sidecarHash: string | null;
  captionNote: string | null;
  conflictCaptions: string[] | null;
  conflictHash: string | null;
  tokens: number | null;
}

/** Captions are lists of alternatives; equal when all are, in order. */
export const sameCaptions = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((c, i) => c === b[i]);
export const isUnsaved = (item: Item): boolean => !sameCaptions(item.captions, item.diskCaptions);
