/** What a person pointed at, as a root folder and the pictures below it. */
import { stat } from 'node:fs/promises';
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { scanFolder, scanSingleFolder, type Scan } from './scan.ts';

export interface Source { kind: 'folder' | 'zip' | 'files'; /** a path, or a JSON list of paths for "files" */ origin: string; root: string; name: string }

const isZip = (path: string): boolean => /\.zip$/i.test(path);

function commonFolder(paths: readonly string[]): string {
  const split = paths.map((p) => dirname(p).split(sep));
  const first = split[0]!;
  let n = first.length;
  for (const parts of split) while (n > 0 && !first.slice(0, n).every((p, i) => p === parts[i])) n--;
  return first.slice(0, n).join(sep) || sep;
}

/** Looks at the paths. `zipRoot`: where a zip would be unpacked. Throws AppError dataset.path, dataset.zip_alone. */
export async function resolveSource(given: readonly string[], zipRoot: string): Promise<Source> {
  const paths = [...new Set(given.map((p) => resolve(p)))];
  const facts = await Promise.all(paths.map((path) => stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new AppError('dataset.path', `${path} cannot be opened: ${error.code === 'ENOENT' ? 'it does not exist' : error.message}.`, 'Check the path, and that you may read it.', { path });
  })));
  const [path] = paths as [string];
  if (paths.length === 1 && facts[0]!.isDirectory()) return { kind: 'folder', origin: path, root: path, name: basename(path) || path };
  if (paths.length === 1 && isZip(path)) return { kind: 'zip', origin: path, root: zipRoot, name: basename(path).replace(/\.zip$/i, '') };
  if (paths.some((p, i) => facts[i]!.isFile() && isZip(p))) throw new AppError('dataset.zip_alone', 'A zip makes a data set of its own.', 'Import the zip by itself, and the other files after it.', { paths });
  const root = commonFolder(paths);
  return { kind: 'files', origin: JSON.stringify(paths), root, name: basename(root) || 'Pictures' };
}

/** Scans a source: the whole folder, or only what was chosen. A root that is gone throws AppError dataset.gone. */
export async function scanSource(source: Pick<Source, 'kind' | 'origin' | 'root'>, options: { signal?: AbortSignal; progress?: (n: number) => void }): Promise<Scan> {
  try {
    return source.kind === 'files' ? await scanFiles(source.root, JSON.parse(source.origin) as string[], options) : await scanFolder(source.root, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new AppError('dataset.gone', `The folder ${source.root} cannot be read: ${(error as Error).message}.`, 'If it moved, choose "Folder moved…" and point at its new place. Nothing about the data set is lost.', { root: source.root });
  }
}

async function scanFiles(root: string, paths: readonly string[], options: { signal?: AbortSignal; progress?: (n: number) => void }): Promise<Scan> {
  const all: Scan = { images: [], metadataFiles: [], notes: [] };
  const inside = (path: string): string => relative(root, path).split(sep).join('/');
  const add = (scan: Scan, folder: string, keep: (file: string) => boolean): void => {
    const at = (file: string): string => (folder === '' ? file : `${folder}/${file}`);
    all.images.push(...scan.images.filter((i) => keep(at(i.file))).map((i) => ({ ...i, file: at(i.file), sidecar: i.sidecar === null ? null : at(i.sidecar), sidecarTarget: at(i.sidecarTarget) })));
    all.metadataFiles.push(...scan.metadataFiles.map(at));
    all.notes.push(...scan.notes.map((n) => ({ ...n, file: at(n.file) })).filter((n) => keep(n.file)));
  };
  const single = new Map<string, Set<string>>();
  for (const path of paths) {
    const facts = await stat(path).catch(() => undefined);
    if (!facts) all.notes.push({ file: inside(path), code: 'unreadable', reason: 'the file is gone' });
    else if (facts.isDirectory()) add(await scanFolder(path, options), inside(path), () => true);
    else single.set(dirname(path), (single.get(dirname(path)) ?? new Set()).add(inside(path)));
  }
  for (const [folder, chosen] of single) add(await scanSingleFolder(folder), inside(folder), (file) => chosen.has(file));
  return all;
}
