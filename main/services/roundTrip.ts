/** The VAE's round trip of a picture, computed by the engine in a child. */
import { z } from 'zod';
import { AppError } from '../contract/errors.ts';
import type { Model } from '../contract/models.ts';
import type { RoundTripPort } from '../datasets/roundTrips.ts';
import { runChild } from './childJson.ts';

const lineSchema = z.object({ type: z.literal('roundtrip'), latent: z.tuple([z.int(), z.int(), z.int()]), psnr: z.number().nullable() });

export function createRoundTrip(models: { find(id: string): Model | undefined }): RoundTripPort {
  const chosen = (id: string): Model => {
    const model = models.find(id);
    if (!model) throw new AppError('model.not_found', `There is no model ${id}.`, 'Choose a model from the list.', { id });
    return model;
  };
  return {
    fingerprint: (id) => { const model = chosen(id); return model.sha256 ?? `${model.path}:${model.bytes}`; },
    async run(id, { picture, background, crop, bucket }, output, { signal, progress }) {
      const model = chosen(id);
      progress(`Sending it through the VAE of ${model.name}`, 0, 1);
      const args = ['dataset', 'roundtrip', picture, output, '--json', '--model', model.path, '--crop', crop.join(','), '--bucket', bucket.join('x'), '--background', background, ...(model.kind === 'vae' ? ['--vae_only'] : [])];
      const lines = await runChild('main/cli.ts', args, { signal });
      const { latent, psnr } = lineSchema.parse(lines.findLast((l) => (l as { type?: string }).type === 'roundtrip'));
      return { latent, psnr };
    },
  };
}
