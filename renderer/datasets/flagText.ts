/** Issues and other filters of a data set, as the left panel calls them. */
import type { DatasetFlag } from '../../main/contract/datasets.ts';

export const flagTitles: Record<DatasetFlag, string> = {
  unreadable: 'Unreadable', 'too-small': 'Too small', 'extreme-aspect': 'Extreme shape', 'exact-duplicate': 'Exact duplicates', 'near-duplicate': 'Near-duplicates', blurred: 'Blurred', flat: 'Almost one colour',
  'no-caption': 'No caption', 'caption-too-long': 'Caption too long', 'same-caption': 'Same caption', 'duplicate-tags': 'Repeated tags',
};
/** A word of the filter language, quoted where it must be. */
export const quoted = (text: string): string => (/^[\p{L}\p{N}_*.-]+$/u.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`);
/** The filter for one tag. */
export const tagQuery = (tag: string): string => `tag:${quoted(tag)}`;
/** The filter for the pictures that lie directly in a folder ("": the data set's own). */
export const inFolder = (folder: string): string => `in:"${folder.replace(/["\\]/g, '\\$&')}"`;
