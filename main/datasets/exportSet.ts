/** Copies a curated set out of the app. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from './captions.ts';
import { imagefolderLayout, kohyaLayout, type ExportFile } from './exportLayout.ts';
import { openFolderSink, openZipSink, type ExportSink } from './exportSink.ts';
import type { Work } from './context.ts';
import type { Item } from './model.ts';

export interface ExportOptions { format: 'imagefolder' | 'kohya'; zip: boolean; target: string }
export interface ExportResult { target: string; pictures: number; problems: { file: string; code: string; reason: string }[] }

const layouts = { imagefolder: imagefolderLayout, kohya: kohyaLayout };

/**
 * Writes all included, readable pictures, byte for byte, and their captions. A picture that changed or vanished since it was read is left out
 * with a reason. Cancelled or failed: nothing is left behind. Throws AppError dataset.export_target.
 */
export async function exportItems(root: string, items: readonly Item[], options: ExportOptions, work: Work): Promise<ExportResult> {
  const included = items.filter((i) => !i.excluded && i.width !== null);
  const problems: ExportResult['problems'] = [];
  const good: Item[] = [];
  for (const item of included) {
    const found = await readFile(join(root, item.file)).then((b) => sha256(b) === item.contentHash, () => undefined);
    if (found === true) good.push(item);
    else problems.push({ file: item.file, code: found === undefined ? 'missing' : 'changed', reason: found === undefined ? 'the file cannot be read any more' : 'the file changed since it was read: rescan the data set' });
    work.signal.throwIfAborted();
    work.progress('Checking pictures', good.length + problems.length, 2 * included.length);
  }
  const sink = await (options.zip ? openZipSink(options.target) : openFolderSink(options.target));
  try {
    await fill(sink, layouts[options.format](good), root, included.length, work);
    await sink.finish();
  } catch (error) {
    await sink.abandon();
    throw error;
  }
  return { target: options.target, pictures: good.length, problems };
}

async function fill(sink: ExportSink, files: readonly ExportFile[], root: string, pictures: number, work: Work): Promise<void> {
  let done = pictures;
  for (const { path, item, text } of files) {
    work.signal.throwIfAborted();
    await sink.add(path, item ? await readFile(join(root, item.file)) : Buffer.from(text!));
    if (item) work.progress('Copying pictures', ++done, 2 * pictures);
  }
}
