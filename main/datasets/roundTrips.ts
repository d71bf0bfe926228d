/** Pictures sent through a VAE and back on demand; the results are kept in the cache by what they depend on. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { sha256 } from './captions.ts';
import type { DatasetContext, Work } from './context.ts';
import type { MediaFile } from './mediaFiles.ts';
import type { Picture } from './queryFields.ts';

/** A picture cut and scaled as training sees it. */
export interface Cut { picture: string; background: string; crop: readonly [number, number, number, number]; bucket: readonly [number, number] }
/** What the engine says of a picture that it sent through; `psnr` in dB, null: nothing was lost. */
export interface RoundTripFacts { latent: [number, number, number]; psnr: number | null }
/** The engine's VAE, as the composition root lends it. */
export interface RoundTripPort {
  /** what names the weights: changes when they do. Throws model.not_found. */
  fingerprint(modelId: string): string;
  run(modelId: string, cut: Cut, output: string, work: Work): Promise<RoundTripFacts>;
}
export interface RoundTripResult extends RoundTripFacts { media: string; width: number; height: number; model_id: string }

const fileOf = (context: DatasetContext, key: string): string => join(context.folder, 'roundtrips', key.slice(0, 2), `${key}.png`);

/** The round trip of one picture: from the cache, or by the port. Throws dataset.unreadable_picture, model.*, engine.*. */
export async function roundTripOf(context: DatasetContext, port: RoundTripPort, modelId: string, root: string, background: string, { item, bucket, crop }: Picture, work: Work): Promise<RoundTripResult> {
  if (!bucket || !crop) throw new AppError('dataset.unreadable_picture', `${item.file} cannot be read: ${item.problem ?? 'it has no pixels'}.`, 'Choose another picture.', { file: item.file });
  const cut: Cut = { picture: join(root, item.file), background, crop, bucket: [bucket.width, bucket.height] };
  const key = sha256(JSON.stringify([1, port.fingerprint(modelId), item.contentHash, item.alpha ? background : '', cut.crop, cut.bucket]));
  const file = fileOf(context, key), facts = `${file}.json`;
  if (!existsSync(file) || !existsSync(facts)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(facts, JSON.stringify(await port.run(modelId, cut, file, work)));
  }
  return { ...JSON.parse(readFileSync(facts, 'utf8')) as RoundTripFacts, media: key, width: bucket.width, height: bucket.height, model_id: modelId };
}

/** The decoded picture by its key. Throws media.not_found. */
export function roundTripMedia(context: DatasetContext, key: string): MediaFile {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new AppError('media.not_found', 'There is no such picture.', 'Reload the page.', {});
  return { file: fileOf(context, key), sha256: key, name: `${key}.png` };
}
