/** Sample pictures of a run: prompts × seeds, the same in every run, drawn with the weights as they are and with their EMA. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Executor } from '../backend/executor.ts';
import type { CaptionSource } from '../data/captionCache.ts';
import type { BaseModel } from '../run/baseModel.ts';
import { chunked, pictureBatch } from '../run/batching.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';
import { readJournal } from '../run/journal.ts';
import type { StageReporter, TrainRun } from '../run/trainRun.ts';
import type { Trainables } from '../trainables/trainables.ts';
import { pictureDrawer, type DrawJob, type Drawer } from './drawPicture.ts';
import { encodePng } from './png.ts';

export interface PainterParts { run: TrainRun; executor: Executor; base: BaseModel; trainables: Trainables; /** embeddings for the plain or the EMA weights */ captions(ema: boolean): CaptionSource; report: StageReporter }
export interface Painter {
  /** Draws every prompt and seed; one event each. */
  draw(step: number): Promise<void>;
  /** in one draw, with each of the weights */
  readonly pictures: number;
  setPrompts(prompts: string[], negative: string): void;
}

interface Job { prompt: string; index: number; seed: number; ema: boolean }

export function openPainter(parts: PainterParts): Painter {
  const { run } = parts, { samples, training, data } = run.config, size = samples.sample_size ?? data.resolution;
  const changed = readJournal(run.folder.journal).events.findLast((e) => e.type === 'prompts');
  let { prompts, negative_prompt: negative } = changed ?? samples;
  const weights = training.use_ema && samples.sample_ema ? [false, true] : [false];
  const batch = pictureBatch(parts.base, size, size, Math.max(1, prompts.length * samples.seeds.length));
  const drawers = new Map<boolean, Drawer>(weights.map((ema) => [ema, pictureDrawer({ ...parts, ema, width: size, height: size, batch, options: samples })]));
  if (prompts.length) for (const drawer of drawers.values()) drawer.define();
  return {
    get pictures() { return weights.length * prompts.length * samples.seeds.length; },
    setPrompts(next, nextNegative) { [prompts, negative] = [next, nextNegative]; },
    async draw(step) {
      const count = this.pictures;
      let drawn = 0;
      for (const ema of weights) {
        const jobs = prompts.flatMap((prompt, index) => samples.seeds.map((seed): Job => ({ prompt, index, seed, ema })));
        for (const group of chunked(jobs, batch)) {
          await run.commands.listen();
          if (run.commands.ending) return; // the loop carries the command out
          const pictures = await drawers.get(ema)!.draw(await withTexts(parts, group, negative), (n, total) => parts.report('sampling', drawingText(drawn, group.length, count), drawn * total + n * group.length, count * total));
          for (const [i, pixels] of pictures.entries()) await keep(parts, step, group[i]!, negative, size, pixels);
          drawn += group.length;
        }
      }
    },
  };
}

/** "drawing picture 5 of 8", "drawing pictures 5 to 8 of 8": `size` drawn together after the first `drawn`. */
export const drawingText = (drawn: number, size: number, count: number): string => `drawing ${size > 1 ? `pictures ${drawn + 1} to ${drawn + size}` : `picture ${drawn + 1}`} of ${count}`;

/** With the embeddings of the weights that draw. */
async function withTexts({ captions }: PainterParts, jobs: readonly Job[], negative: string): Promise<DrawJob[]> {
  return Promise.all(jobs.map(async ({ prompt, seed, ema }) => ({ seed, text: { prompt: await captions(ema).embedding(prompt), negative: await captions(ema).embedding(negative), negativeText: negative } })));
}

/** Writes the picture into the run's folder and tells of it. */
async function keep({ run, base }: PainterParts, step: number, { prompt, index, seed, ema }: Job, negative_prompt: string, size: number, pixels: Uint8Array): Promise<void> {
  const { sampler, num_inference_steps, guidance_scale, guidance_rescale } = run.config.samples;
  const file = join(basename(run.folder.samples), `step-${String(step).padStart(8, '0')}`, `p${String(index).padStart(2, '0')}-s${seed}${ema ? '-ema' : ''}.png`);
  const png = await encodePng(pixels, { prompt, negative_prompt, seed, sampler, num_inference_steps, guidance_scale, guidance_rescale, width: size, height: size, model: basename(base.source.path), step, ema, run: basename(run.folder.dir) });
  const path = join(run.folder.dir, file);
  writeFileAtomic(path, png);
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  run.emit({ type: 'sample', step, file, prompt, negative_prompt, prompt_index: index, seed, ema, width: size, height: size, sha256 });
}
