/** A folder that moved: finds its pictures again by content. */
import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../contract/errors.ts';
import type { DatasetContext, Work } from './context.ts';
import { importSource, type ImportResult } from './importer.ts';
import type { Item } from './model.ts';
import { forEachParallel } from './pool.ts';
import { scanFolder } from './scan.ts';

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** For every item the file with its content: the one at the same place, else of the same name, else any that is left. */
export function matchByContent(items: readonly Item[], filesByHash: ReadonlyMap<string, readonly string[]>): Map<number, string> {
  const taken = new Set<string>(), matches = new Map<number, string>();
  const rules: ((item: Item, file: string) => boolean)[] = [(i, f) => i.file === f, (i, f) => basename(i.file) === basename(f), () => true];
  for (const rule of rules) for (const item of items) {
    if (matches.has(item.id) || item.contentHash === null) continue;
    const file = filesByHash.get(item.contentHash)?.find((f) => !taken.has(f) && rule(item, f));
    if (file !== undefined) { taken.add(file); matches.set(item.id, file); }
  }
  return matches;
}

/**
 * Points the data set at `root`: every picture whose content lies below it gets its new path and keeps all decisions; then the folder is read
 * as on a rescan. Throws AppError dataset.not_there when none is found; nothing is changed then.
 */
export async function relocate(context: DatasetContext, datasetId: string, root: string, work: Work): Promise<ImportResult> {
  const scan = await scanFolder(root, { signal: work.signal });
  const filesByHash = new Map<string, string[]>();
  let done = 0;
  await forEachParallel(scan.images, async ({ file }) => {
    work.progress('Looking for the pictures', done++, scan.images.length);
    const hash = await hashFile(join(root, file)).catch(() => undefined);
    if (hash !== undefined) filesByHash.set(hash, [...(filesByHash.get(hash) ?? []), file]);
  }, { signal: work.signal });
  for (const files of filesByHash.values()) files.sort();
  const items = context.items.all(datasetId);
  const matches = matchByContent(items, filesByHash);
  if (matches.size === 0) throw new AppError('dataset.not_there', `None of the ${items.length} pictures of this data set lies below ${root}.`, 'Choose the folder that now holds them; it may be one level higher or lower.', { root });
  moveItems(context, items, matches);
  context.store.update(datasetId, { source: 'folder', origin: root, root });
  return importSource(context, context.store.get(datasetId), work);
}

/** Two passes, so that two pictures can change places. */
function moveItems(context: DatasetContext, items: readonly Item[], matches: ReadonlyMap<number, string>): void {
  context.db.transaction(() => {
    const taken = new Set(matches.values());
    for (const item of items) if (matches.has(item.id) || taken.has(item.file)) context.items.update(item.id, { file: `\0${item.id}` });
    for (const item of items) {
      const file = matches.get(item.id) ?? (taken.has(item.file) ? `missing/${item.id}/${basename(item.file)}` : undefined);
      if (file !== undefined) context.items.update(item.id, { file });
    }
  })();
}
