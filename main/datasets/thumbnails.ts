/** Thumbnails in the app's cache, by content hash: the same picture in two data sets has one. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openUpright } from './decode.ts';
import { THUMBNAIL_SIDE, THUMBNAIL_WEBP } from './probe.ts';

export interface Thumbnails {
  has(hash: string, alpha: boolean, background: string): boolean;
  write(hash: string, alpha: boolean, background: string, webp: Buffer): void;
  /** The thumbnail's file, made from `file` when it is not there yet. Throws what decoding throws. */
  ensure(hash: string, alpha: boolean, background: string, file: string): Promise<string>;
}

/** Only transparent pictures depend on the background. */
export function createThumbnails(folder: string): Thumbnails {
  const pathOf = (hash: string, alpha: boolean, background: string): string => join(folder, hash.slice(0, 2), `${hash}${alpha ? `-${background.slice(1)}` : ''}.webp`);
  let unique = 0;
  const made = new Set<string>();
  // synchronous: some 10 KB each, cheaper than the way through the thread pool that is busy decoding
  function put(path: string, webp: Buffer): void {
    const parent = dirname(path), temporary = `${path}.tmp-${process.pid}-${unique++}`;
    if (!made.has(parent)) mkdirSync(parent, { recursive: true });
    made.add(parent);
    writeFileSync(temporary, webp);
    renameSync(temporary, path);
  }
  return {
    has: (hash, alpha, background) => existsSync(pathOf(hash, alpha, background)),
    write: (hash, alpha, background, webp) => put(pathOf(hash, alpha, background), webp),
    async ensure(hash, alpha, background, file) {
      const path = pathOf(hash, alpha, background);
      if (!existsSync(path)) put(path, await openUpright(file, background).resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, { fit: 'inside', withoutEnlargement: true }).webp(THUMBNAIL_WEBP).toBuffer());
      return path;
    },
  };
}
