/** Features of drawn and held-out pictures, and how well drawn ones agree with their prompts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Evaluation } from '../../contract/evaluation.ts';
import type { ManifestItem } from '../../contract/datasetManifest.ts';
import { decodeCrop, imageSize } from '../data/decodeImage.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';
import { dot, type FeatureSpace } from './featureSpace.ts';
import type { MeasureParts } from './measure.ts';

type Features = Pick<Evaluation, 'feature_space' | 'pictures' | 'references'>;
type Parts = Pick<MeasureParts, 'base' | 'config' | 'manifest' | 'plan' | 'folder' | 'work' | 'bench'>;
const rounded = (v: Float32Array): number[] => Array.from(v, (x) => Number(x.toPrecision(7)));

export async function measureFeatures({ base, config, plan, folder, manifest, work, bench }: Parts): Promise<Features> {
  const { space, pictures: known, texts } = await bench.space(base, config);
  const textOf = async (prompt: string): Promise<Float32Array | null> => { if (!texts.has(prompt)) texts.set(prompt, await space.text(prompt)); return texts.get(prompt)!; };
  const pictures: Features['pictures'] = [], references: Features['references'] = [];
  for (const { prompt, index, seed, file } of plan.pictures) {
    const { features, embedding } = await ofFile(space, join(folder, file)), text = await textOf(prompt);
    pictures.push({ prompt, prompt_index: index, seed, file, features: rounded(features), agreement: text && embedding ? dot(text, embedding) : null });
    work.did('looking at drawn pictures', 1);
  }
  for (const item of plan.references) {
    const file = await keepReference(folder, item, manifest.background), key = JSON.stringify([item.contentHash, item.crop, item.bucket, manifest.background]);
    if (!known.has(key)) known.set(key, rounded((await ofFile(space, join(folder, file))).features));
    references.push({ item: item.contentHash, file, features: known.get(key)! });
    work.did('looking at held-out pictures', 1);
  }
  return { feature_space: space.info, pictures, references };
}

async function ofFile(space: FeatureSpace, path: string): ReturnType<FeatureSpace['picture']> {
  const size = await imageSize(path);
  return space.picture(new Uint8Array(await sharp(path).toColourspace('srgb').removeAlpha().raw().toBuffer()), size);
}

/** The held-out picture as training sees it, beside the drawn ones: so that spectra and reports need no data set. */
async function keepReference(folder: string, item: ManifestItem, background: string): Promise<string> {
  const file = `held-out/${item.contentHash.slice(0, 16)}.png`, path = join(folder, file), [width, height] = item.bucket;
  if (existsSync(path)) return file;
  const pixels = await decodeCrop(item.file, item.crop, { width, height }, false, background);
  writeFileAtomic(path, await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toBuffer());
  return file;
}
