/** Renames modules by a table of prefixes, both ways. */
export type ModulePair = readonly [diffusers: string, original: string];
export interface Renamer {
  /** diffusers name → original name, or undefined where the table has no such module. */
  toOriginal(name: string): string | undefined;
  toDiffusers(name: string): string | undefined;
}

/** Replaces the longest prefix (whole dotted parts) that the table knows. */
function replacePrefix(table: ReadonlyMap<string, string>, name: string): string | undefined {
  for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) {
    const target = table.get(name.slice(0, end));
    if (target !== undefined) return target + name.slice(end);
  }
  return undefined;
}

/** Throws on a table that is not one to one: that would lose tensors. */
export function renamer(pairs: ModulePair[]): Renamer {
  const forward = new Map(pairs), backward = new Map(pairs.map(([a, b]) => [b, a] as const));
  if (forward.size !== pairs.length || backward.size !== pairs.length) throw new Error('the module table is not one to one');
  return { toOriginal: (name) => replacePrefix(forward, name), toDiffusers: (name) => replacePrefix(backward, name) };
}
