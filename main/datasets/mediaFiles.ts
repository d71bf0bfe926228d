/** Files that windows show of pictures: thumbnails, and the picture as training sees it. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { sha256 } from './captions.ts';
import type { DatasetContext } from './context.ts';
import { openUpright } from './decode.ts';

export interface MediaFile { file: string; sha256: string; name: string }

/** Pixels that a cut may have: a person looks at one picture, not at a poster. */
const CUT_PIXELS = 64e6;

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

/** "12:10-0-300-200:96x64": item 12, its crop (x, y, width, height in px of the upright picture), and the bucket it is scaled to. */
function parseCut(id: string): { itemId: number; crop: [number, number, number, number]; bucket: [number, number] } | undefined {
  const m = /^(\d+):(\d+)-(\d+)-([1-9]\d*)-([1-9]\d*):([1-9]\d*)x([1-9]\d*)$/.exec(id)?.slice(1).map(Number);
  if (!m || m[5]! * m[6]! > CUT_PIXELS) return undefined;
  return { itemId: m[0]!, crop: [m[1]!, m[2]!, m[3]!, m[4]!], bucket: [m[5]!, m[6]!] };
}

/** The picture cut and scaled exactly as training reads it (contract/datasetManifest.ts), as PNG. Throws media.not_found. */
export function createCutFiles(context: DatasetContext): (id: string) => Promise<MediaFile> {
  return async (id) => {
    const cut = parseCut(id), item = cut && context.items.one(cut.itemId);
    const [left, top, width, height] = cut?.crop ?? [0, 0, 0, 0];
    if (!item || item.contentHash === null || item.width === null || item.height === null || left + width > item.width || top + height > item.height) throw new AppError('media.not_found', 'There is no such part of a picture.', 'Reload the page.', { id });
    const row = context.store.ofItem(item.id), { background } = row.settings;
    const key = sha256(`${item.contentHash}:${item.alpha ? background : ''}:${id.slice(id.indexOf(':'))}`);
    const target = join(context.folder, 'cuts', key.slice(0, 2), `${key}.png`);
    if (!existsSync(target)) {
      await mkdir(dirname(target), { recursive: true });
      const temporary = `${target}.tmp-${process.pid}-${Date.now()}`;
      await openUpright(join(row.root, item.file), background).extract({ left, top, width, height }).resize(cut!.bucket[0], cut!.bucket[1], { fit: 'fill', kernel: 'lanczos3' }).png({ compressionLevel: 3 }).toFile(temporary);
      await rename(temporary, target);
    }
    return { file: target, sha256: key, name: item.file };
  };
}
