/** The data of a run: dataset.json in its folder. Written from a plain folder at the first start, so that a resumed run trains on the same. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { bucketingOf, datasetManifestSchema, type DatasetManifest, type ManifestItem } from '../../contract/datasetManifest.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import { runFolder } from '../../contract/runFolder.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';
import { listPictures, readFolderDataset } from './folderDataset.ts';

export const datasetFile = (runDir: string): string => join(runDir, runFolder.dataset);
type Progress = (done: number, total: number) => void;

/** Reads the run's data set, or makes it from the configuration. Throws data.*; `align`: see bucketSizes. */
export async function openRunDataset(runDir: string, { data }: Pick<RunConfig, 'data'>, align: number, onProgress?: Progress): Promise<DatasetManifest> {
  const file = datasetFile(runDir);
  if (existsSync(file)) return checked(readManifest(file), align);
  if (!data.dataset) throw new AppError('data.none_chosen', 'The run names no data set.', 'Choose a curated data set, or a folder of images with captions.');
  if (data.prior_dataset && !isManifest(data.prior_dataset)) listPictures(data.prior_dataset); // said before the other one is read, which takes minutes
  const own = await readSource(data.dataset, data, align, onProgress);
  const manifest = data.prior_dataset ? withPrior(own, await readSource(data.prior_dataset, data, align, onProgress)) : own;
  saveRunDataset(runDir, checked(manifest, align));
  return manifest;
}

export const saveRunDataset = (runDir: string, manifest: DatasetManifest): void => writeFileAtomic(datasetFile(runDir), `${JSON.stringify(manifest)}\n`);

const isManifest = (path: string): boolean => path.endsWith('.json') && existsSync(path) && statSync(path).isFile();

async function readSource(path: string, data: RunConfig['data'], align: number, onProgress?: Progress): Promise<DatasetManifest> {
  if (isManifest(path)) return readManifest(path);
  return readFolderDataset(path, bucketingOf(data), align, onProgress);
}

function readManifest(file: string): DatasetManifest {
  let json: unknown;
  try { json = JSON.parse(readFileSync(file, 'utf8')); } catch (error) { throw invalid(file, (error as Error).message); }
  const parsed = datasetManifestSchema.safeParse(json);
  if (!parsed.success) throw invalid(file, parsed.error.issues.slice(0, 5).map((i) => `${i.path.join('.')}: ${i.message}`).join('; '));
  return parsed.data;
}
const invalid = (file: string, why: string): AppError => new AppError('data.manifest_invalid', `${file} is not a data set: ${why}`, 'Export the data set again, or choose a folder of images.', { file });

/** The prior-preservation set's training pictures added, numbered on. */
function withPrior(own: DatasetManifest, prior: DatasetManifest): DatasetManifest {
  const first = Math.max(-1, ...own.items.map((i) => i.id)) + 1;
  const added = prior.items.filter((i) => i.split === 'train').map((item, i): ManifestItem => ({ ...item, id: first + i, name: `prior/${item.name}`, prior: true }));
  return { ...own, items: [...own.items, ...added], left_out: [...own.left_out, ...prior.left_out] };
}

/** Throws where nothing is left to train on, or sizes do not suit the model. */
function checked(manifest: DatasetManifest, align: number): DatasetManifest {
  const training = manifest.items.filter((i) => i.split === 'train' && !i.prior);
  if (!training.length) {
    const reasons = manifest.left_out.slice(0, 3).map((l) => `${l.name}: ${l.reason}`).join('; ');
    throw new AppError('data.no_training_pictures', `The data set "${manifest.dataset.name}" has no picture to train on${manifest.left_out.length ? `; ${manifest.left_out.length} were left out (${reasons})` : ''}.`,
      !manifest.left_out.length ? 'Add pictures outside of its folder "validation".' : manifest.left_out.some((l) => l.reason.includes('is smaller than')) ? 'Add larger pictures, lower the resolution, or allow small pictures to be enlarged (--upscale).' : 'Add pictures that can be opened: PNG, JPEG, WebP and others.', { left_out: manifest.left_out });
  }
  const odd = manifest.items.find((i) => i.bucket.some((side) => side % align !== 0));
  if (odd) throw new AppError('data.bucket_unaligned', `The bucket ${odd.bucket.join('x')} of ${odd.name} does not suit this model: sides must be multiples of ${align}.`, `Make the data set's buckets with a step that is a multiple of ${align}.`, { name: odd.name, align });
  return manifest;
}

export interface DataWarning { code: string; message: string }

/** What a person should know about the data before the training starts. */
export function dataWarnings(manifest: DatasetManifest, batchSize: number): DataWarning[] {
  const training = manifest.items.filter((i) => i.split === 'train' && !i.prior), warnings: DataWarning[] = [];
  if (training.length === 1) warnings.push({ code: 'data.one_picture', message: `The data set has one picture, ${training[0]!.name}: the model will learn to copy it. Add more pictures, or train for few steps.` });
  const uncaptioned = training.filter((i) => !i.captions.length);
  if (uncaptioned.length) warnings.push({ code: 'data.no_caption', message: `${uncaptioned.length} of ${training.length} pictures ${uncaptioned.length === 1 ? 'has no caption and is' : 'have no caption and are'} trained with an empty one: ${some(uncaptioned)}` });
  const shown = Map.groupBy(training, (i) => i.bucket.join('x')), small = [...shown].filter(([, list]) => list.reduce((n, i) => n + i.repeats, 0) < batchSize);
  if (small.length && training.length > 1) warnings.push({ code: 'data.small_bucket', message: `${small.length} of ${shown.size} buckets hold fewer pictures than a batch of ${batchSize}, so that some batches show a picture twice: ${small.map(([name, list]) => `${name} (${list.length})`).join(', ')}. A larger bucket step makes fewer buckets.` });
  return warnings;
}

const some = (items: readonly ManifestItem[]): string => items.slice(0, 5).map((i) => i.name).join(', ') + (items.length > 5 ? ' …' : '');
