/** Walks a folder: which files are pictures, which files hold their captions, and why anything else was passed over. */
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMetadataName } from './metadataFiles.ts';
import { SNIFF_BYTES, formatOfName, sniffImage } from './sniff.ts';

export interface ScanNote { /** relative, "/" between folders */ file: string; code: string; reason: string }
export interface FoundImage {
  file: string;
  bytes: number;
  mtimeMs: number;
  /** the caption file that belongs to it, relative; null when there is none */
  sidecar: string | null;
  /** where captions are to be written, relative */
  sidecarTarget: string;
}
export interface Scan { images: FoundImage[]; metadataFiles: string[]; notes: ScanNote[] }

const SIDECARS = ['.txt', '.caption'];
const isSidecar = (name: string): boolean => SIDECARS.some((s) => name.toLowerCase().endsWith(s));
const stemOf = (name: string): string => (name.lastIndexOf('.') > 0 ? name.slice(0, name.lastIndexOf('.')) : name);
const hidden = (name: string): boolean => name.startsWith('.') || name === '__MACOSX' || name === 'Thumbs.db' || name === 'desktop.ini';
const why = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException;
  return { ENOENT: 'it disappeared while the folder was being read', EACCES: 'reading it is not permitted', EPERM: 'reading it is not permitted', ELOOP: 'its symbolic links lead in a circle', ENAMETOOLONG: 'its path is too long for this system' }[code ?? ''] ?? message;
};

interface Folder { path: string; relative: string; identity: string }

/**
 * Walks `root`. Links are followed once; nothing that cannot be read stops the walk. `progress` hears the number of pictures so far.
 * Throws only when `root` itself cannot be read, or on abort.
 */
export async function scanFolder(root: string, options: { signal?: AbortSignal; progress?: (images: number) => void } = {}): Promise<Scan> {
  const scan: Scan = { images: [], metadataFiles: [], notes: [] };
  const top = await realpath(root);
  const { dev, ino } = await stat(top);
  const visited = new Set([`${dev}:${ino}`]);
  const queue: Folder[] = [{ path: root, relative: '', identity: `${dev}:${ino}` }];
  await readdir(root);
  for (let folder = queue.shift(); folder; folder = queue.shift()) {
    options.signal?.throwIfAborted();
    const deeper = await scanOne(folder, scan, visited);
    queue.unshift(...deeper);
    options.progress?.(scan.images.length);
  }
  return scan;
}

/** The files of one folder, without those in it. Throws when it cannot be read. */
export async function scanSingleFolder(path: string): Promise<Scan> {
  const scan: Scan = { images: [], metadataFiles: [], notes: [] };
  await readdir(path);
  await scanOne({ path, relative: '', identity: '' }, scan, new Set());
  return scan;
}

async function scanOne(folder: Folder, scan: Scan, visited: Set<string>): Promise<Folder[]> {
  const at = (name: string): string => (folder.relative === '' ? name : `${folder.relative}/${name}`);
  const note = (name: string, code: string, reason: string): void => { scan.notes.push({ file: name === '' ? folder.relative : at(name), code, reason }); };
  let raw: Buffer[];
  try { raw = await readdir(folder.path, { encoding: 'buffer' }); } catch (error) { note('', 'unreadable-folder', `the folder was passed over: ${why(error)}`); return []; }
  const folders: Folder[] = [];
  const files = new Map<string, { bytes: number; mtimeMs: number }>();
  for (const bytes of raw.sort(Buffer.compare)) {
    const name = bytes.toString('utf8');
    if (!Buffer.from(name).equals(bytes)) { note(name, 'name-encoding', 'its name is not valid UTF-8: rename it to use it'); continue; }
    if (hidden(name)) { note(name, 'hidden', 'hidden and system files are passed over'); continue; }
    try {
      const facts = await stat(join(folder.path, name));
      const identity = `${facts.dev}:${facts.ino}`;
      if (facts.isFile()) files.set(name, { bytes: facts.size, mtimeMs: facts.mtimeMs });
      else if (!facts.isDirectory()) note(name, 'not-a-file', 'neither a file nor a folder');
      else if (visited.has(identity)) note(name, 'symlink-loop', 'a link to a folder that has been read already');
      else { visited.add(identity); folders.push({ path: join(folder.path, name), relative: at(name), identity }); }
    } catch (error) {
      const broken = (error as NodeJS.ErrnoException).code === 'ENOENT' && await lstat(join(folder.path, name)).then((l) => l.isSymbolicLink(), () => false);
      note(name, 'unreadable', broken ? 'a link to something that does not exist' : `passed over: ${why(error)}`);
    }
  }
  await sortFiles(folder, files, scan, at, note);
  return folders;
}

async function sortFiles(folder: Folder, files: Map<string, { bytes: number; mtimeMs: number }>, scan: Scan, at: (n: string) => string, note: (n: string, code: string, reason: string) => void): Promise<void> {
  const images: string[] = [], used = new Set<string>();
  for (const name of files.keys()) {
    if (formatOfName(name)) images.push(name);
    else if (isMetadataName(name)) scan.metadataFiles.push(at(name));
    else if (!isSidecar(name) && await isImageInside(join(folder.path, name))) images.push(name);
  }
  const isImage = new Set(images);
  const sharing = Map.groupBy(images, stemOf);
  for (const name of images) {
    const shared = sharing.get(stemOf(name))!.length > 1;
    const own = SIDECARS.map((s) => name + s).find((s) => files.has(s));
    const byStem = SIDECARS.map((s) => stemOf(name) + s).find((s) => files.has(s) && !(formatOfName(stemOf(s)) && files.has(stemOf(s))));
    const sidecar = own ?? byStem;
    if (sidecar) used.add(sidecar);
    const target = own ?? (shared ? `${name}.txt` : byStem ?? `${stemOf(name)}.txt`);
    scan.images.push({ file: at(name), ...files.get(name)!, sidecar: sidecar ? at(sidecar) : null, sidecarTarget: at(target) });
  }
  for (const name of files.keys()) {
    if (isSidecar(name) && !used.has(name)) note(name, 'orphan-caption', 'a caption file without a picture of its name');
    else if (!isSidecar(name) && !isMetadataName(name) && !isImage.has(name)) note(name, 'not-a-picture', 'not a picture in a format that can be read');
  }
}

/** Files whose name says nothing are looked into: a picture without an extension is still a picture. */
async function isImageInside(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'r');
    try {
      const head = Buffer.alloc(SNIFF_BYTES);
      const { bytesRead } = await file.read(head, 0, SNIFF_BYTES, 0);
      return sniffImage(head.subarray(0, bytesRead)) !== undefined;
    } finally { await file.close(); }
  } catch { return false; }
}
