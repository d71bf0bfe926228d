/** Where an export is written: a folder or a zip, complete or not at all. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import yazl from 'yazl';
import { AppError } from '../contract/errors.ts';

export interface ExportSink {
  /** Adds a file; paths are relative, "/" between folders. */
  add(path: string, bytes: Buffer): Promise<void>;
  /** Puts everything in its place. */
  finish(): Promise<void>;
  /** Removes everything again. */
  abandon(): Promise<void>;
}

const taken = (target: string, what: string): AppError => new AppError('dataset.export_target', `${target} ${what}.`, 'Choose a new name or an empty folder: an export never writes over anything.', { target });
const partial = (target: string): string => join(dirname(target), `.${basename(target).slice(0, 100)}.partial-${process.pid}`);

/** Writes beside the target and renames at the end. Throws AppError dataset.export_target when the target is not free. */
export async function openFolderSink(target: string): Promise<ExportSink> {
  const entries = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw taken(target, error.code === 'ENOTDIR' ? 'is a file' : `cannot be opened (${error.message})`);
  });
  if (entries && entries.length > 0) throw taken(target, 'is not empty');
  const temporary = partial(target);
  await mkdir(temporary, { recursive: true });
  return {
    async add(path, bytes) {
      await mkdir(dirname(join(temporary, path)), { recursive: true });
      await writeFile(join(temporary, path), bytes, { flag: 'wx' });
    },
    async finish() {
      if (entries) await rmdir(target);
      await rename(temporary, target);
    },
    abandon: () => rm(temporary, { recursive: true, force: true }),
  };
}

/** The same as a zip; pictures are stored, not compressed again. */
export async function openZipSink(target: string): Promise<ExportSink> {
  if (await stat(target).catch(() => undefined)) throw taken(target, 'exists');
  await mkdir(dirname(target), { recursive: true });
  const temporary = partial(target);
  const zip = new yazl.ZipFile();
  const file = createWriteStream(temporary, { flags: 'wx' });
  zip.outputStream.pipe(file);
  const failed = new Promise<never>((_, reject) => { file.on('error', reject); zip.on('error', reject); });
  failed.catch(() => {});
  return {
    async add(path, bytes) {
      zip.addBuffer(bytes, path.replaceAll('\\', '_'), { compress: /\.(jsonl|txt)$/.test(path) });
      if (file.writableNeedDrain) await Promise.race([new Promise<void>((go) => { file.once('drain', () => go()); }), failed]);
    },
    async finish() {
      zip.end();
      await Promise.race([finished(file), failed]);
      await rename(temporary, target);
    },
    async abandon() { file.destroy(); await rm(temporary, { force: true }); },
  };
}
