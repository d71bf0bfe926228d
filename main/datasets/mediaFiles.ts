/** Files that windows show of pictures: thumbnails, and the picture as training sees it. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { DatasetContext } from './context.ts';
import { openUpright } from './decode.ts';

export interface MediaFile { file: string; sha256: string; name: string }

/** Longer sides are shown reduced: windows have no use for more. */
const VIEW_SIDE = 2048;

/** Media by item. Views are made once and kept in the cache. */
export function createMediaFiles(context: DatasetContext): (kind: 'thumb' | 'view', itemId: number) => Promise<MediaFile> {
  const making = new Map<string, Promise<void>>();
  async function makeView(source: string, background: string, target: string): Promise<void> {
    await mkdir(dirname(target), { recursive: true });
    const temporary = `${target}.tmp-${process.pid}`;
    await openUpright(source, background).resize(VIEW_SIDE, VIEW_SIDE, { fit: 'inside', withoutEnlargement: true }).webp({ quality: 95, effort: 2 }).toFile(temporary);
    await rename(temporary, target);
  }
  return async (kind, itemId) => {
    const item = context.items.one(itemId);
    if (!item || item.contentHash === null || item.width === null) throw new AppError('media.not_found', `There is no picture ${itemId}, or it cannot be read.`, 'Reload the page.', { itemId });
    const row = context.store.ofItem(itemId);
    const source = join(row.root, item.file), { background } = row.settings;
    if (kind === 'thumb') return { file: await context.thumbnails.ensure(item.contentHash, item.alpha, background, source), sha256: item.contentHash, name: item.file };
    const target = join(context.folder, 'views', item.contentHash.slice(0, 2), `${item.contentHash}-${background.slice(1)}.webp`);
    if (!existsSync(target)) {
      if (!making.has(target)) making.set(target, makeView(source, background, target).finally(() => making.delete(target)));
      await making.get(target);
    }
    return { file: target, sha256: item.contentHash, name: item.file };
  };
}
