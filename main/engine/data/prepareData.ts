/** Everything about the data of a run before its first step: pictures checked, latents and text embeddings in the caches. */
import { join } from 'node:path';
import { AppError, toAppError } from '../../contract/errors.ts';
import type { DatasetManifest, ManifestItem } from '../../contract/datasetManifest.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { readJournal } from '../run/journal.ts';
import type { Encoders } from '../run/encoders.ts';
import { checkEnding, type StageReporter, type TrainRun } from '../run/trainRun.ts';
import { batchPlan, cacheableViews, validationView, type BatchPlan } from './batches.ts';
import { cacheRoot } from './cacheRoot.ts';
import { captionSource, type CaptionSource } from './captionCache.ts';
import { decodeCrop } from './decodeImage.ts';
import { openTokenizers } from './encodeText.ts';
import { latentSource, type LatentSource, type View } from './latentCache.ts';
import { saveRunDataset } from './runDataset.ts';
import { trainablesHash, type TextUse, type Trainables } from '../trainables/trainables.ts';
import { openTensorCache, type TensorCache } from './tensorCache.ts';

export interface RunData { manifest: DatasetManifest; plan: BatchPlan; latents: LatentSource; captions: CaptionSource; validation: ManifestItem[] }

/** Kept in memory besides the disk, each for latents and texts. */
const MEMORY_BYTES = 512e6;

/**
 * Fills the caches. Pictures that cannot be decoded are left out, each with an event, and the run's dataset.json says so from then on.
 * Throws data.no_training_pictures when none remains, EndedEarly when asked to stop.
 */
export async function prepareData(run: TrainRun, base: BaseModel, manifest: DatasetManifest, encoders: Encoders, text: TextUse, report: StageReporter): Promise<RunData> {
  const { config, emit } = run;
  const damaged = (file: string): void => emit({ type: 'warning', code: 'cache.damaged', message: `A damaged file of the cache is computed again: ${file}` });
  const open = (name: string): TensorCache => openTensorCache({ dir: join(cacheRoot(), name), memoryBytes: MEMORY_BYTES, onDamaged: damaged });
  const captions = captionSource(open('captions'), await textHash(base, text.adapted), encoders.encodeText);
  const disk = config.data.cache_latents ? open('latents') : uncached;
  const latents = latentSource(disk, await base.source.hash('vae'), manifest.background, async (...args) => finite(await encoders.encodeImage(...args)));
  await warnLongCaptions(run, base, manifest);
  const kept = await checkPictures(run, manifest, latents, report);
  if (!text.live) await cacheCaptions(run, kept, captions, report);
  const training = kept.items.filter((i) => i.split === 'train');
  const plan = batchPlan(training, { ...config.data, ...config.training });
  return { manifest: kept, plan, latents, captions, validation: kept.items.filter((i) => i.split === 'validation').slice(0, config.validation.validation_images) };
}

/** Passes everything through. */
const uncached: TensorCache = { has: () => false, get: (_key, compute) => compute(), put: async () => {} };

/** One hash over all text encoders the model has, with a LoRA on them if one is given. */
export async function textHash({ source }: BaseModel, adapted: Trainables | null = null): Promise<string> {
  const hashes: string[] = [];
  for (const name of ['text_encoder', 'text_encoder_2'] as const) if (source.has(name)) hashes.push(await source.hash(name));
  return JSON.stringify([hashes, source.tokenizers, ...(adapted ? [trainablesHash(adapted)] : [])]);
}

function finite<P extends { mean: { data: Float32Array }; logvar: { data: Float32Array } }>(posterior: P): P {
  if (posterior.mean.data.every(Number.isFinite) && posterior.logvar.data.every(Number.isFinite)) return posterior;
  throw new AppError('data.latent_not_finite', 'The VAE turns a picture into values that are not numbers.', 'Use another VAE: SDXL\'s original one fails in half precision, "sdxl-vae-fp16-fix" does not.');
}

/** Encodes what can be cached and decodes the rest once; leaves out what cannot be read. */
async function checkPictures(run: TrainRun, manifest: DatasetManifest, latents: LatentSource, report: StageReporter): Promise<DatasetManifest> {
  const { config, emit, commands } = run, bad = new Map<string, string>();
  const jobs = picturesToCheck(manifest, config).filter(({ view, cache }) => !cache || !latents.isCached(view));
  for (const [index, { view, cache }] of jobs.entries()) {
    await checkEnding(commands);
    const { item } = view, [width, height] = item.bucket;
    try {
      if (cache) await latents.posterior(view); else await decodeCrop(item.file, view.crop, { width, height }, view.flip, manifest.background);
    } catch (error) {
      const data = toAppError(error);
      if (data.code !== 'image.unreadable') throw error;
      bad.set(item.name, data.message);
    }
    report('caching_latents', jobs.some((j) => j.cache) ? 'encoding pictures' : 'checking pictures', index + 1, jobs.length);
  }
  const told = new Set(readJournal(run.folder.journal).events.flatMap((e) => (e.type === 'excluded' ? [e.item] : [])));
  for (const { name, reason } of manifest.left_out) if (!told.has(name)) emit({ type: 'excluded', item: name, reason });
  for (const [name, reason] of bad) emit({ type: 'excluded', item: name, reason });
  return bad.size ? without(run, manifest, bad) : manifest;
}

/** Views to encode into the cache, and one view of each picture that is encoded anew in every step. */
function picturesToCheck(manifest: DatasetManifest, config: RunConfig): { view: View; cache: boolean }[] {
  const training = manifest.items.filter((i) => i.split === 'train');
  const validation = config.validation.validation_every > 0 ? manifest.items.filter((i) => i.split === 'validation').slice(0, config.validation.validation_images) : [];
  const cached = config.data.cache_latents ? [...cacheableViews(training, config.data), ...validation.map(validationView)] : [];
  const known = new Set(cached.map((v) => v.item));
  const rest = [...training, ...validation].filter((i) => !known.has(i)).map((item) => ({ view: validationView(item), cache: false }));
  return [...cached.map((view) => ({ view, cache: true })), ...rest];
}

function without(run: TrainRun, manifest: DatasetManifest, bad: Map<string, string>): DatasetManifest {
  const items = manifest.items.filter((i) => !bad.has(i.name));
  if (!items.some((i) => i.split === 'train' && !i.prior)) {
    throw new AppError('data.no_training_pictures', `None of the ${bad.size} pictures of "${manifest.dataset.name}" can be read. The first: ${[...bad.values()][0]}`, 'Check the files; save them again in another program.', { reasons: [...bad] });
  }
  const kept = { ...manifest, items, left_out: [...manifest.left_out, ...[...bad].map(([name, reason]) => ({ name, reason }))] };
  saveRunDataset(run.folder.dir, kept);
  return kept;
}

/** Says which captions the text encoders will not see whole. */
async function warnLongCaptions({ emit }: TrainRun, base: BaseModel, manifest: DatasetManifest): Promise<void> {
  const { first } = await openTokenizers(base.source), room = first.maxLength - 2;
  const long = manifest.items.filter((i) => i.captions.some((c) => c.length > room && first.count(c) > room));
  if (!long.length) return;
  const names = long.slice(0, 5).map((i) => i.name).join(', ') + (long.length > 5 ? ' …' : '');
  emit({ type: 'warning', code: 'data.long_caption', message: `${long.length} captions are longer than the ${room} tokens that CLIP reads; what comes after is not seen: ${names}. Put what matters first, or shorten them.` });
}

/** Embeds every caption, the empty one and the sample prompts. */
async function cacheCaptions(run: TrainRun, manifest: DatasetManifest, captions: CaptionSource, report: StageReporter): Promise<void> {
  const { prompts, negative_prompt } = run.config.samples;
  const texts = new Set(['', ...manifest.items.flatMap((i) => i.captions), ...prompts, ...(prompts.length ? [negative_prompt] : [])]);
  const missing = [...texts].filter((t) => !captions.isCached(t));
  for (const [index, text] of missing.entries()) {
    await checkEnding(run.commands);
    await captions.embedding(text);
    report('caching_captions', 'embedding captions', index + 1, missing.length);
  }
}
