/** Files dropped on the page of a browser, which tells their names and bytes but not where they lie. */
import { call, client } from '../api/api.ts';

export interface DroppedFile { path: string; file: File }

const children = (folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> => new Promise((resolve, reject) => {
  const reader = folder.createReader(), all: FileSystemEntry[] = [];
  const more = (): void => reader.readEntries((some) => { if (some.length === 0) resolve(all); else { all.push(...some); more(); } }, reject);
  more();
});
const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => { entry.file(resolve, reject); });

/** Every file below what was dropped, with its path; hidden ones left out. */
export async function listDropped(files: readonly File[], entries: readonly FileSystemEntry[]): Promise<DroppedFile[]> {
  if (entries.length === 0) return files.map((file) => ({ path: file.name, file }));
  const out: DroppedFile[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (entry.name.startsWith('.')) return;
    if (entry.isFile) out.push({ path: entry.fullPath.replace(/^\/+/, ''), file: await fileOf(entry as FileSystemFileEntry) });
    else for (const child of await children(entry as FileSystemDirectoryEntry)) await walk(child);
  };
  for (const entry of entries) await walk(entry);
  return out;
}

/** Sends the files, a few at a time; returns the drop's id for datasets.import. Rejects with the first error, or when aborted. */
export async function sendDropped(files: readonly DroppedFile[], signal: AbortSignal, progress: (done: number) => void): Promise<string> {
  const { drop } = await call('datasets.drop', {});
  let next = 0, done = 0;
  const some = async (): Promise<void> => {
    for (let f = files[next++]; f; f = files[next++]) {
      await client.transport.upload(drop, f.path, f.file, signal);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: 4 }, some));
  return drop;
}
