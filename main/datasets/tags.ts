/** Captions as comma-separated tags, and what can be done to them in bulk. */

/** "a,  b ,,c" → ["a", "b", "c"]. */
export const splitTags = (caption: string): string[] => caption.split(',').map((t) => t.trim()).filter((t) => t !== '');
export const joinTags = (tags: readonly string[]): string => tags.join(', ');
/** Tags are the same when they differ only in case, or in spaces against underscores. */
export const tagKey = (tag: string): string => tag.trim().toLowerCase().replace(/[\s_]+/g, ' ');

/** Tags of a caption that occur more than once (by tagKey), each once. */
export function duplicateTags(caption: string): string[] {
  const seen = new Set<string>(), twice = new Map<string, string>();
  for (const tag of splitTags(caption)) {
    const key = tagKey(tag);
    if (seen.has(key)) twice.set(key, tag); else seen.add(key);
  }
  return [...twice.values()];
}

export type TagOperation =
  | { op: 'add'; tags: string[]; at: 'start' | 'end' }
  | { op: 'remove'; tags: string[] }
  | { op: 'rename'; from: string; to: string }
  /** moves these tags, in this order, to the start or end of captions that have them */
  | { op: 'move'; tags: string[]; at: 'start' | 'end' }
  | { op: 'sort' }
  | { op: 'unique' };

function unique(tags: string[]): string[] {
  const seen = new Set<string>();
  return tags.filter((t) => !seen.has(tagKey(t)) && seen.add(tagKey(t)));
}

/** The caption after the operation. A caption that the operation does not concern comes back as it is, letter for letter. */
export function applyTagOperation(caption: string, o: TagOperation): string {
  const tags = splitTags(caption);
  const has = new Set(tags.map(tagKey));
  const changed = (next: string[]): string => (next.length === tags.length && next.every((t, i) => t === tags[i]) ? caption : joinTags(next));
  switch (o.op) {
    case 'add': {
      const added = unique(o.tags.flatMap(splitTags)).filter((t) => !has.has(tagKey(t)));
      return added.length === 0 ? caption : joinTags(o.at === 'start' ? [...added, ...tags] : [...tags, ...added]);
    }
    case 'remove': { const gone = new Set(o.tags.map(tagKey)); return changed(tags.filter((t) => !gone.has(tagKey(t)))); }
    case 'rename': {
      const from = tagKey(o.from);
      if (!has.has(from)) return caption;
      return changed(unique(tags.flatMap((t) => (tagKey(t) === from ? splitTags(o.to) : [t]))));
    }
    case 'move': {
      const wanted = new Set(o.tags.map(tagKey));
      const moved = o.tags.flatMap((w) => tags.filter((t) => tagKey(t) === tagKey(w)));
      const rest = tags.filter((t) => !wanted.has(tagKey(t)));
      return changed(o.at === 'start' ? [...moved, ...rest] : [...rest, ...moved]);
    }
    case 'sort': return changed(tags.toSorted((a, b) => (tagKey(a) < tagKey(b) ? -1 : tagKey(a) > tagKey(b) ? 1 : 0)));
    case 'unique': return changed(unique(tags));
  }
}

/** Puts the trigger words before the caption, once: a caption that starts with them already stays as it is. */
export function prependTrigger(caption: string, trigger: string): string {
  const word = trigger.trim().replace(/,\s*$/, '');
  if (word === '' || tagKey(splitTags(caption)[0] ?? '') === tagKey(word) || caption.toLowerCase().startsWith(`${word.toLowerCase()} `)) return caption;
  return caption === '' ? word : `${word}, ${caption}`;
}

export interface TagCount { tag: string; count: number }

/** Frequencies over captions (a caption counts a tag once), most frequent first; the commonest spelling names the tag. */
export function tagFrequencies(captions: Iterable<readonly string[]>): TagCount[] {
  const counts = new Map<string, { count: number; spellings: Map<string, number> }>();
  for (const alternatives of captions) {
    const seen = new Set<string>();
    for (const tag of alternatives.flatMap(splitTags)) {
      const key = tagKey(tag);
      let entry = counts.get(key);
      if (!entry) counts.set(key, entry = { count: 0, spellings: new Map() });
      entry.spellings.set(tag, (entry.spellings.get(tag) ?? 0) + 1);
      if (!seen.has(key)) { seen.add(key); entry.count++; }
    }
  }
  const name = (spellings: Map<string, number>): string => [...spellings].reduce((a, b) => (b[1] > a[1] ? b : a))[0];
  return [...counts.values()].map(({ count, spellings }) => ({ tag: name(spellings), count })).sort((a, b) => b.count - a.count || (a.tag < b.tag ? -1 : 1));
}
