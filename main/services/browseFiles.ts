/** Folders and files for choosing without typing a path. */
import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, join, parse, resolve } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { Result } from '../contract/methods.ts';
import { whyNoPickle } from '../contract/models.ts';

/** Model files of other programs that are never opened: shown, so that nobody looks for them in vain. */
const pickles = ['.ckpt', '.pt', '.pth', '.bin'];

/** Entries that cannot be looked at are left out; hidden ones too. Folders first, then by name. Throws file.not_found, file.unreadable. */
export function browse(path: string | undefined, extensions: string[] | undefined): Result<'files.browse'> {
  const folder = resolve(path ?? homedir());
  const wanted = extensions?.map((e) => e.toLowerCase().replace(/^\.?/, '.'));
  let names: string[];
  try { names = readdirSync(folder); } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new AppError('file.not_found', `There is no folder ${folder}.`, 'Choose another.', { path: folder });
    throw new AppError('file.unreadable', `The folder ${folder} cannot be read (${code}).`, 'Check its permissions, or choose another.', { path: folder });
  }
  const entries = names.filter((n) => !n.startsWith('.')).flatMap((name) => entry(folder, name, wanted)).sort((a, b) => a.kind.localeCompare(b.kind) * -1 || a.name.localeCompare(b.name, undefined, { numeric: true }));
  const { root } = parse(folder);
  const places = [{ name: 'Home', path: homedir() }, ...['Pictures', 'Downloads', 'Documents', 'Desktop'].map((name) => ({ name, path: join(homedir(), name) })).filter((p) => isFolder(p.path)), { name: 'Computer', path: root }];
  return { path: folder, parent: folder === root ? null : dirname(folder), places, entries };
}

function entry(folder: string, name: string, wanted: string[] | undefined): Result<'files.browse'>['entries'] {
  try {
    const path = join(folder, name);
    const info = statSync(path);
    const kind = info.isDirectory() ? 'folder' : 'file';
    const extension = extname(name).toLowerCase(), unusable = wanted?.includes('.safetensors') && pickles.includes(extension) ? whyNoPickle : null;
    if (kind === 'file' && (!info.isFile() || (wanted && !unusable && !wanted.includes(extension)))) return [];
    return [{ name, path, kind, bytes: info.size, modified_at: info.mtimeMs, unusable: kind === 'file' ? unusable : null }];
  } catch { return []; }
}

function isFolder(path: string): boolean {
  try { return statSync(path).isDirectory(); } catch { return false; }
}
