/**
 * A plain folder as a data set: every picture in it and below, captions from NAME.txt or NAME.caption beside it (each line an
 * alternative) or from a metadata.jsonl ({"file_name", "text"}, as Hugging Face's imagefolder). A folder named `10_anything`
 * repeats its pictures 10 times an epoch (kohya's rule); pictures under `validation/` are held out.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, resolve, sep } from 'node:path';
import { AppError, toAppError } from '../../contract/errors.ts';
import type { Bucketing, DatasetManifest, ManifestItem } from '../../contract/datasetManifest.ts';
import { bucketSizes, centreCrop, nearestBucket, type Size } from '../../contract/buckets.ts';
import { tooSmall } from './buckets.ts';
import { imageSize } from './decodeImage.ts';

const pictureExtensions = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff', '.heic', '.heif', '.jxl', '.svg']);
type LeftOut = DatasetManifest['left_out'][number];

/** Reads the folder. Throws data.folder_missing, data.no_images; unreadable and too small pictures are listed in left_out. */
export async function readFolderDataset(folder: string, bucketing: Bucketing, align: number, onProgress?: (done: number, total: number) => void): Promise<DatasetManifest> {
  const root = resolve(folder);
  const names = listPictures(root);
  const sizes = bucketSizes(bucketing, align), jsonl = readMetadata(root);
  const items: ManifestItem[] = [], left_out: LeftOut[] = [];
  for (const [index, name] of names.entries()) {
    const item = await readItem(root, name, items.length, sizes, bucketing.upscale, jsonl);
    if ('reason' in item) left_out.push(item); else items.push(item);
    onProgress?.(index + 1, names.length);
  }
  const hash = createHash('sha256').update(JSON.stringify(items.map(({ file: _file, ...rest }) => rest))).digest('hex');
  return {
    format: 'lpl-dataset', version: 1, bucketing, background: '#ffffff', items, left_out,
    dataset: { id: root, name: root.split(sep).at(-1) || root, versionId: hash.slice(0, 16), versionNumber: 1, hash },
  };
}

/** Paths relative to the folder with "/" between, sorted by code unit so that the order is the same on every machine. Throws data.folder_missing, data.no_images. */
export function listPictures(folder: string): string[] {
  const root = resolve(folder);
  let entries: string[];
  try { entries = readdirSync(root, { recursive: true }) as string[]; } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException, why = code === 'ENOENT' ? 'does not exist' : code === 'ENOTDIR' ? 'is a file, not a folder' : `cannot be read: ${message}`;
    throw new AppError('data.folder_missing', `The data set folder ${root} ${why}.`, 'Give a folder of images, or a curated data set.', { folder: root });
  }
  const names = entries.map((e) => e.split(sep).join('/')).filter((e) => pictureExtensions.has(extname(e).toLowerCase()) && !e.split('/').some((part) => part.startsWith('.')));
  if (!names.length) throw new AppError('data.no_images', `There is no picture in ${root}.`, `Put images (${[...pictureExtensions].slice(0, 4).join(', ')} …) with captions in .txt files of the same names there.`, { folder: root });
  return names.sort();
}

function readMetadata(root: string): Map<string, string> {
  const file = join(root, 'metadata.jsonl');
  if (!existsSync(file)) return new Map();
  return new Map(readFileSync(file, 'utf8').split('\n').filter((l) => l.trim()).map((line, i) => {
    try {
      const row = JSON.parse(line) as { file_name: string; text?: string; caption?: string; prompt?: string };
      return [row.file_name, row.text ?? row.caption ?? row.prompt ?? ''] as const;
    } catch (error) { throw new AppError('data.metadata_invalid', `Line ${i + 1} of ${file} is not JSON: ${(error as Error).message}`, 'Correct the line: {"file_name": "a.png", "text": "a caption"}.', { file, line: i + 1 }); }
  }));
}

async function readItem(root: string, name: string, id: number, sizes: Size[], upscale: boolean, jsonl: Map<string, string>): Promise<ManifestItem | LeftOut> {
  const file = join(root, name);
  let size: Size;
  try { size = await imageSize(file); } catch (error) { return { name, reason: toAppError(error).message }; }
  const bucket = nearestBucket(size, sizes), reason = tooSmall(size, bucket, upscale);
  if (reason) return { name, reason };
  return {
    id, file, name, contentHash: createHash('sha256').update(readFileSync(file)).digest('hex'), captions: captionsOf(file, jsonl.get(name)),
    repeats: repeatsOf(name), bucket: [bucket.width, bucket.height], crop: centreCrop(size, bucket), cropFixed: false,
    width: size.width, height: size.height, flip: true, weight: 1, prior: false, split: /(^|\/)validation\//.test(name) ? 'validation' : 'train',
  };
}

function captionsOf(file: string, fromMetadata: string | undefined): string[] {
  const stem = file.slice(0, -extname(file).length);
  const sidecar = [`${stem}.txt`, `${stem}.caption`].find((f) => existsSync(f));
  const text = sidecar ? readFileSync(sidecar, 'utf8') : (fromMetadata ?? '');
  return text.replace(/^\uFEFF/, '').split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
}

/** kohya's "10_name" folders, the innermost one counts. */
function repeatsOf(name: string): number {
  const counts = name.split('/').slice(0, -1).map((part) => /^(\d+)_/.exec(part)?.[1]).filter((n) => n !== undefined);
  return Math.max(1, Number(counts.at(-1) ?? 1));
}
