/** Draws an evaluation's pictures, each written when it is done: a cancelled evaluation goes on where it stood. */
import { basename, join } from 'node:path';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import type { CaptionSource } from '../data/captionCache.ts';
import { writeFileAtomic } from '../run/atomicFile.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { pictureDrawer } from '../sampling/drawPicture.ts';
import { encodePng } from '../sampling/png.ts';
import type { Trainables } from '../trainables/trainables.ts';
import type { PlannedPicture } from './plan.ts';
import type { Work } from './work.ts';

export interface DrawParts { executor: Executor; base: BaseModel; trainables: Trainables; captions: CaptionSource; config: RunConfig; folder: string; work: Work; pictures: readonly PlannedPicture[] }

/** With the run's own sampler settings and its weights as loaded. */
export async function drawMissing({ pictures, config: { samples, data }, work, captions, folder, ...parts }: DrawParts): Promise<void> {
  const size = samples.sample_size ?? data.resolution, { sampler, num_inference_steps, guidance_scale, negative_prompt } = samples;
  const drawer = pictureDrawer({ ...parts, ema: false, width: size, height: size, options: samples });
  if (pictures.length) drawer.define();
  for (const [i, { prompt, seed, file }] of pictures.entries()) {
    const text = { prompt: await captions.embedding(prompt), negative: await captions.embedding(negative_prompt), negativeText: negative_prompt };
    const pixels = await drawer.draw(text, seed, () => work.did(`drawing picture ${i + 1} of ${pictures.length}`, 1), work.signal);
    const settings = { prompt, negative_prompt, seed, sampler, num_inference_steps, guidance_scale, width: size, height: size, model: basename(parts.base.source.path) };
    writeFileAtomic(join(folder, file), await encodePng(pixels, settings));
  }
}
