/** kohya's conventions: folders named `<repeats>_<class tokens>`, and its metadata JSON. */

export interface KohyaFolder { repeats: number; classTokens: string }

/** "10_sks dog" → 10 repeats of "sks dog". Undefined when the name does not parse: the folder is then an ordinary one, never ignored. */
export function parseKohyaFolder(name: string): KohyaFolder | undefined {
  const m = /^(\d{1,6})_(.*)$/s.exec(name);
  if (!m || Number(m[1]) < 1) return undefined;
  return { repeats: Number(m[1]), classTokens: m[2]!.trim() };
}

/** Repeats and class tokens of a file from the nearest of its folders that has them, and whether it lies in a regularisation set. */
export function kohyaOf(file: string): KohyaFolder & { prior: boolean; validation: boolean } {
  const folders = file.split('/').slice(0, -1);
  const named = folders.map(parseKohyaFolder).findLast((f) => f !== undefined);
  const has = (pattern: RegExp) => folders.some((f) => pattern.test(f));
  return { repeats: named?.repeats ?? 1, classTokens: named?.classTokens ?? '', prior: has(/^(reg|regularization|regularisation|class)$/i), validation: has(/^(val|valid|validation)$/i) };
}

/** kohya's metadata JSON: {"<path or key without extension>": {"caption": …, "tags": …}}. Undefined when the JSON is something else. */
export function kohyaMetadata(json: unknown): Map<string, string> | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const entries = Object.entries(json);
  const isEntry = (v: unknown): v is { caption?: unknown; tags?: unknown } => typeof v === 'object' && v !== null && ('caption' in v || 'tags' in v || 'train_resolution' in v);
  if (entries.length === 0 || !entries.every(([, v]) => isEntry(v))) return undefined;
  return new Map(entries.map(([key, v]) => {
    const { caption, tags } = v as { caption?: unknown; tags?: unknown };
    // kohya's fine_tune.py joins caption and tags the same way
    return [key.replaceAll('\\', '/'), [caption, tags].filter((t) => typeof t === 'string' && t !== '').join(', ')];
  }));
}
