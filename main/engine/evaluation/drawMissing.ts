/** Draws an evaluation's pictures, each group written when it is done: a cancelled evaluation goes on where it stood. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import type { CaptionSource } from '../data/captionCache.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { chunked, filled, pictureBatch } from '../run/batching.ts';
import { pictureDrawer } from '../sampling/drawPicture.ts';
import { encodePng } from '../sampling/png.ts';
import type { Trainables } from '../trainables/trainables.ts';
import type { PlannedPicture } from './plan.ts';
import type { Work } from './work.ts';

export interface DrawParts { executor: Executor; base: BaseModel; trainables: Trainables; captions: CaptionSource; config: RunConfig; folder: string; work: Work; groups: readonly PlannedPicture[][] }

const sideOf = ({ samples, data }: RunConfig): number => samples.sample_size ?? data.resolution;

/** Pictures that are drawn together: of the plan, so that a picture is the same whatever was there already. Whole groups are left out. */
export function undrawn(base: BaseModel, config: RunConfig, pictures: readonly PlannedPicture[], folder: string): PlannedPicture[][] {
  const side = sideOf(config), batch = pictureBatch(base, side, side, pictures.length);
  return chunked(pictures, batch).filter((group) => !group.every(({ file }) => existsSync(join(folder, file)))).map((group) => filled(group, batch));
}

/** With the run's own sampler settings and its weights as loaded. */
export async function drawMissing({ groups, config, work, captions, folder, ...parts }: DrawParts): Promise<void> {
  const { samples } = config, size = sideOf(config), { sampler, num_inference_steps, guidance_scale, negative_prompt } = samples, total = groups.flat().length;
  const drawer = pictureDrawer({ ...parts, ema: false, width: size, height: size, batch: groups[0]?.length ?? 1, options: samples });
  let done = 0;
  for (const group of groups) {
    const jobs = await Promise.all(group.map(async ({ prompt, seed }) => ({ seed, text: { prompt: await captions.embedding(prompt), negative: await captions.embedding(negative_prompt), negativeText: negative_prompt } })));
    const drawn = await drawer.draw(jobs, () => work.did(`drawing picture ${done + 1} of ${total}`, group.length), work.signal);
    for (const [i, { prompt, seed, file }] of group.entries()) {
      const settings = { prompt, negative_prompt, seed, sampler, num_inference_steps, guidance_scale, width: size, height: size, model: basename(parts.base.source.path) };
      writeFileAtomic(join(folder, file), await encodePng(drawn[i]!, settings));
    }
    done += group.length;
  }
}
