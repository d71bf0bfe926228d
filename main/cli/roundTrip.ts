/** What `lpl dataset roundtrip` does. */
import { resolve } from 'node:path';
import type { Crop } from '../contract/buckets.ts';
import { AppError } from '../contract/errors.ts';
import { trainingFields } from '../contract/runConfigTraining.ts';
import { roundTrip } from '../engine/roundTrip.ts';
import { namedModel } from '../services/namedModel.ts';
import type { Action } from './command.ts';

function numbers(flag: string, text: unknown, pattern: RegExp): number[] {
  const m = pattern.exec(String(text));
  if (!m) throw new AppError('cli.bad_flag', `--${flag} "${String(text)}" cannot be read.`, 'See "lpl dataset roundtrip --help".', { flag });
  return m.slice(1).map(Number);
}

export const roundTripPicture: Action = async (output, [picture = '', target = ''], o) => {
  const crop = numbers('crop', o['crop'], /^(\d+),(\d+),([1-9]\d*),([1-9]\d*)$/) as Crop;
  const [width, height] = numbers('bucket', o['bucket'], /^([1-9]\d*)x([1-9]\d*)$/) as [number, number];
  const result = await roundTrip({
    picture: resolve(picture), output: resolve(target), crop, bucket: { width, height }, background: String(o['background']), model: await namedModel(String(o['model'])), vaeOnly: o['vae_only'] === true, backend: trainingFields.backend.parse(o['backend']),
  }, (label, done, total) => output.progress(label, done, total));
  output.data({ type: 'roundtrip', ...result });
  output.result(`${result.file}: latent ${result.latent.join(' × ')}, ${result.psnr === null ? 'nothing lost' : `${result.psnr.toFixed(1)} dB`}`);
};
