/** Captions as lists of tags, separated by commas. */
export const splitTags = (caption: string): string[] => caption.split(',').map((t) => t.trim()).filter(Boolean);
export const joinTags = (tags: readonly string[]): string => tags.join(', ');
