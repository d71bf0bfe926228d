/** Writing captions to caption files: atomically, and never over what somebody else wrote meanwhile. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from './captions.ts';
import { captionLines, decodeText } from './textDecode.ts';

export type SidecarResult =
  | { kind: 'saved'; hash: string; /** the file's bytes before; undefined: there was none */ before: Buffer | undefined }
  | { kind: 'conflict'; /** what the file says now */ captions: string[]; hash: string | null }
  | { kind: 'problem'; code: string; reason: string };

/** A caption file's text: one alternative a line. */
export const sidecarText = (captions: readonly string[]): string => captions.map((c) => `${c}\n`).join('');

async function current(path: string): Promise<Buffer | undefined> {
  try { return await readFile(path); } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const reasons: Record<string, string> = {
  EACCES: 'the folder may not be written to', EPERM: 'the folder may not be written to', EROFS: 'the disk is read-only', ENOSPC: 'the disk is full',
  ENOENT: 'the folder is gone', ENOTDIR: 'the folder is gone', EISDIR: 'a folder has the caption file\'s name', ENAMETOOLONG: 'the caption file\'s name would be too long for this disk',
};

/** Flushed to disk under another name, then renamed into place, with one more look at the file just before. */
async function replaceFile(path: string, text: string, expected: string | null): Promise<'saved' | 'changed'> {
  const temporary = join(dirname(path), `.lpl-${randomBytes(6).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try { await file.writeFile(text); await file.sync(); } finally { await file.close(); }
    const now = await current(path);
    if ((now ? sha256(now) : null) !== expected) return 'changed';
    await rename(temporary, path);
    return 'saved';
  } finally { await rm(temporary, { force: true }).catch(() => {}); }
}

/**
 * Writes captions to `path` if its bytes still have the hash `expected` (null: no file). Otherwise nothing is written and the result
 * is a conflict with what is there, unless that says the same already. Never throws.
 */
export async function writeSidecar(path: string, captions: readonly string[], expected: string | null, backUp: (before: Buffer) => void): Promise<SidecarResult> {
  try {
    const text = sidecarText(captions);
    const before = await current(path);
    const hash = before ? sha256(before) : null;
    const found = before ? captionLines(decodeText(before).text) : [];
    if (hash !== expected) return sidecarText(found) === text && hash !== null ? { kind: 'saved', hash, before } : { kind: 'conflict', captions: found, hash };
    if (before) backUp(before);
    if (await replaceFile(path, text, expected) === 'changed') {
      const now = await current(path);
      return { kind: 'conflict', captions: now ? captionLines(decodeText(now).text) : [], hash: now ? sha256(now) : null };
    }
    return { kind: 'saved', hash: sha256(text), before };
  } catch (error) {
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    return { kind: 'problem', code, reason: `not saved: ${reasons[code] ?? message}` };
  }
}
