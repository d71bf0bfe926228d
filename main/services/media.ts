/** Media by id: pictures of samples and data sets, exported files. Smaller copies are made once and kept in the cache folder. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { AppError } from '../contract/errors.ts';

/** Where a media id's file lies; `sha256` null when it may change. `ready`: already small and of this type. */
export interface MediaSource { file: string; sha256: string | null; name: string; download?: boolean }
export type MediaResolver = (id: string, width: number | undefined) => MediaSource | Promise<MediaSource>;
export type MediaTable = Record<string, MediaResolver>;

const widths = [64, 128, 256, 384, 512, 768, 1024, 2048];

/** Resolves "/media/<kind>/<id>?w=…" to a file, making the smaller copy when needed. Throws media.not_found. */
export function createMedia(table: MediaTable, cacheDir: string) {
  const making = new Map<string, Promise<string>>();
  async function smaller(source: MediaSource, width: number): Promise<string> {
    const w = widths.find((x) => x >= width) ?? widths.at(-1)!;
    const key = createHash('sha256').update(`${source.sha256 ?? source.file}:${w}`).digest('hex');
    const target = join(cacheDir, key.slice(0, 2), `${key}.webp`);
    if (existsSync(target)) return target;
    let made = making.get(target);
    if (!made) making.set(target, made = shrink(source.file, w, target).finally(() => making.delete(target)));
    return made;
  }
  return async (kind: string, id: string, width: number | undefined): Promise<MediaSource & { type?: string }> => {
    const resolver = Object.hasOwn(table, kind) ? table[kind] : undefined;
    if (!resolver || !/^[A-Za-z0-9_.:-]{1,200}$/.test(id)) throw new AppError('media.not_found', `There is no ${kind.slice(0, 20)} with this id.`, 'Reload the page.', {});
    const source = await resolver(id, width);
    if (!existsSync(source.file)) throw new AppError('media.not_found', `The file of ${kind} ${id} is gone: ${source.file}`, 'It may have been moved or deleted outside the app.', { id, file: source.file });
    if (!width || source.download || source.file.endsWith('.webp')) return source;
    return { ...source, file: await smaller(source, width), type: 'image/webp' };
  };
}
export type Media = ReturnType<typeof createMedia>;

async function shrink(file: string, width: number, target: string): Promise<string> {
  mkdirSync(join(target, '..'), { recursive: true });
  const temporary = `${target}.tmp-${process.pid}`;
  await sharp(file, { failOn: 'none' }).autoOrient().resize({ width, height: width, fit: 'inside', withoutEnlargement: true }).webp({ quality: 88 }).toFile(temporary);
  await rename(temporary, target);
  return target;
}
