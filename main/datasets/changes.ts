/** The contract's changes, as decisions about each picture and as words for the undo menu. */
import type { DatasetChange } from '../contract/datasets.ts';
import type { Decisions, Item } from './model.ts';
import { replaceAll } from './safeReplace.ts';
import { applyTagOperation, prependTrigger, type TagOperation } from './tags.ts';

const list = (tags: readonly string[]): string => tags.map((t) => `"${t}"`).join(', ');
const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

/** "Add tag "cat"": the entry of the undo menu. */
export function labelOf(change: DatasetChange): string {
  switch (change.kind) {
    case 'captions': return 'Edit caption';
    case 'add_tags': return `Add ${list(change.tags)}`;
    case 'remove_tags': return `Remove ${list(change.tags)}`;
    case 'rename_tag': return `Rename "${change.from}" to "${change.to}"`;
    case 'move_tags': return `Move ${list(change.tags)} to the ${change.at}`;
    case 'sort_tags': return 'Sort tags';
    case 'unique_tags': return 'Remove repeated tags';
    case 'trigger': return `Prepend "${change.text}"`;
    case 'replace': return `Replace "${shorten(change.find)}"`;
    case 'exclude': return 'Exclude';
    case 'include': return 'Include';
    case 'repeats': return `Set repeats to ${change.repeats}`;
    case 'class_tokens': return `Set class words to "${change.text}"`;
    case 'prior': return change.prior ? 'Use as prior set' : 'Use as training set';
    case 'weight': return `Set weight to ${change.weight}`;
    case 'flip': return change.flip ? 'Allow flipping' : 'Forbid flipping';
    case 'crop': return change.place ? 'Move crop' : 'Centre crop';
    case 'split': return change.split === 'validation' ? 'Move to validation' : 'Move to training';
  }
}

const tagOperation = (change: DatasetChange): TagOperation | undefined => {
  switch (change.kind) {
    case 'add_tags': return { op: 'add', tags: change.tags, at: change.at };
    case 'remove_tags': return { op: 'remove', tags: change.tags };
    case 'rename_tag': return { op: 'rename', from: change.from, to: change.to };
    case 'move_tags': return { op: 'move', tags: change.tags, at: change.at };
    case 'sort_tags': return { op: 'sort' };
    case 'unique_tags': return { op: 'unique' };
    default: return undefined;
  }
};

/** Captions without line breaks, zero bytes, half characters and outer spaces: what a caption file can hold, so that saving and reading again changes nothing. */
export const tidyCaptions = (captions: readonly string[]): string[] => captions.map((c) => c.toWellFormed().replace(/[\r\n\0]+/g, ' ').trim()).filter((c) => c !== '');

/** Tags are added to pictures without a caption too. */
const alternatives = (item: Item): string[] => (item.captions.length > 0 ? item.captions : ['']);

function captionsAfter(change: DatasetChange, items: readonly Item[]): string[][] | undefined {
  const operation = tagOperation(change);
  if (operation) return items.map((i) => tidyCaptions(alternatives(i).map((c) => applyTagOperation(c, operation))));
  if (change.kind === 'captions') return items.map(() => tidyCaptions(change.captions));
  if (change.kind === 'trigger') return items.map((i) => tidyCaptions(alternatives(i).map((c) => prependTrigger(c, change.text))));
  if (change.kind !== 'replace') return undefined;
  const texts = replaceAll(items.flatMap((i) => i.captions), { find: change.find, replace: change.replace, regex: change.regex, caseSensitive: change.case_sensitive });
  let at = 0;
  return items.map((i) => tidyCaptions(texts.slice(at, at += i.captions.length)));
}

/** Captions that only repeat their folder's class words follow these. */
const followsFolder = (item: Item): boolean => item.captionSource === 'folder' && item.captions.length === 1 && item.captions[0] === item.classTokens;

function decisionOf(change: DatasetChange, item: Item): Partial<Decisions> {
  switch (change.kind) {
    case 'exclude': return { excluded: true, excludedReason: change.reason };
    case 'include': return { excluded: false, excludedReason: null };
    case 'repeats': return { repeats: change.repeats };
    case 'class_tokens': return { classTokens: change.text.trim(), ...(followsFolder(item) ? { captions: tidyCaptions([change.text]) } : {}) };
    case 'prior': return { prior: change.prior };
    case 'weight': return { weight: change.weight };
    case 'flip': return { flip: change.flip };
    case 'crop': return { crop: change.place };
    case 'split': return { split: change.split };
    default: return {};
  }
}

/** What the change makes of each picture, in the order given. Throws AppError of replaceAll. */
export function decisionsAfter(change: DatasetChange, items: readonly Item[]): Partial<Decisions>[] {
  const captions = captionsAfter(change, items);
  return captions ? captions.map((c) => ({ captions: c })) : items.map((i) => decisionOf(change, i));
}
