/** Pictures without a run going on: a base model, with a LoRA file or a run's checkpoint on top. */
import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { centreCrop } from '../../contract/buckets.ts';
import { runConfigSchema, type RunConfig } from '../../contract/runConfig.ts';
import type { Executor } from '../backend/executor.ts';
import { createExecutor } from '../backend/select.ts';
import type { LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import { readLora } from '../checkpoint/lora/readLora.ts';
import { captionSource } from '../data/captionCache.ts';
import { decodeCrop, imageSize, toUnitRange } from '../data/decodeImage.ts';
import { drawLatent } from '../data/latentCache.ts';
import { openTensorCache } from '../data/tensorCache.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';
import { loadComponent, openBaseModel, variableName, type BaseModel } from '../run/baseModel.ts';
import { findCheckpoint, type FoundCheckpoint } from '../run/checkpointStore.ts';
import { openEncoders, type Encoders } from '../run/encoders.ts';
import { readRunConfig, runFolder } from '../run/runFolder.ts';
import { declareTrainables, hasTextLora, loraTrainables, textLora, type Trainables } from '../trainables/trainables.ts';
import { isLora, trainedWeights, writeTrained } from '../trainables/trainedWeights.ts';
import { pictureDrawer, type DrawOptions } from './drawPicture.ts';
import { encodePng } from './png.ts';

export interface DrawRequest {
  /** base model; of the run where `run` is given */
  model?: string | undefined;
  /** a run folder, with its checkpoint ("latest" or a name) and whether its EMA is meant */
  run?: { dir: string; checkpoint: string; ema: boolean } | undefined;
  lora?: { file: string; strength: number } | undefined;
  prompts: string[]; negative_prompt: string; seeds: number[];
  /** img2img: the picture to start from, cut to the wanted size, and how much of it may change: 1 all, 0 nothing */
  image?: { file: string; strength: number } | undefined;
  options: DrawOptions;
  /** px; default: what the model was made for */
  width?: number | undefined; height?: number | undefined;
  precision: RunConfig['training']['precision']; backend: RunConfig['training']['backend'];
  outputDir: string;
  onProgress(text: string, done: number, total: number): void;
}
export interface Drawn { file: string; prompt: string; seed: number; width: number; height: number; sha256: string }

/** Draws prompts × seeds, writes PNG files, and yields each. Throws model.*, lora.*, checkpoint.*. */
export async function* drawPictures(request: DrawRequest): AsyncGenerator<Drawn> {
  const config = request.run ? readRunConfig(runFolder(request.run.dir).config) : runConfigSchema.parse({ model: { base: request.model ?? '' } });
  const base = await openBaseModel(config);
  const executor = await createExecutor({ backend: request.backend, precision: request.precision });
  let encoders: Encoders | undefined;
  try {
    const trainables = await loadModel(executor, base, request);
    encoders = openEncoders(base, { ...config.training, backend: request.backend }, request.onProgress, hasTextLora(trainables) ? textLora(trainables) : null);
    const width = request.width ?? request.height ?? modelSize(base), height = request.height ?? width;
    checkSize(base, width, height);
    const captions = captionSource(openTensorCache({ dir: null, memoryBytes: 1e9 }), '', encoders.encodeText);
    const drawer = pictureDrawer({ executor, base, trainables, ema: false, width, height, batch: 1, options: request.options });
    const from = request.image && { latent: await imageLatent(base, encoders, request.image.file, width, height), strength: request.image.strength };
    const total = request.prompts.length * request.seeds.length;
    for (const text of [...request.prompts, request.negative_prompt]) await captions.embedding(text);
    encoders.release();
    for (const [index, prompt] of request.prompts.entries()) {
      for (const [s, seed] of request.seeds.entries()) {
        const number = index * request.seeds.length + s, text = { prompt: await captions.embedding(prompt), negative: await captions.embedding(request.negative_prompt), negativeText: request.negative_prompt };
        const [pixels] = await drawer.draw([{ text, seed, ...(from ? { from } : {}) }], (done, steps) => request.onProgress(`drawing picture ${number + 1} of ${total}`, number * steps + done, total * steps));
        const png = await encodePng(pixels!, { prompt, negative_prompt: request.negative_prompt, seed, ...request.options, width, height, model: basename(base.source.path), lora: request.lora?.file, run: request.run?.dir, ...(request.image ? { image: basename(request.image.file), strength: request.image.strength } : {}) });
        const file = join(request.outputDir, `p${String(index).padStart(2, '0')}-s${seed}.png`);
        writeFileAtomic(file, png);
        yield { file, prompt, seed, width, height, sha256: createHash('sha256').update(png).digest('hex') };
      }
    }
  } finally {
    encoders?.release();
    executor.dispose();
    await base.source.close();
  }
}

/** The posterior's mean of a picture, scaled: the largest part of it that has the wanted shape. */
async function imageLatent(base: BaseModel, { encodeImage }: Encoders, file: string, width: number, height: number): Promise<Float32Array> {
  const crop = centreCrop(await imageSize(file), { width, height });
  const posterior = await encodeImage(toUnitRange(await decodeCrop(file, crop, { width, height }, false, '#ffffff')), height, width);
  return drawLatent(posterior, base.vae, 'mean');
}

/** The side that the model was trained for, px. */
const modelSize = ({ unet, align }: BaseModel): number => (Array.isArray(unet.sample_size) ? unet.sample_size[0]! : (unet.sample_size ?? 64)) * align;

function checkSize({ align }: BaseModel, width: number, height: number): void {
  if (width % align || height % align) throw new AppError('sample.size', `${width}x${height} px does not suit this model: sides must be multiples of ${align}.`, `Choose for example ${Math.max(align, Math.round(width / align) * align)}x${Math.max(align, Math.round(height / align) * align)}.`);
}

/** UNet and decoder into the executor, with the run's or the LoRA's weights. */
async function loadModel(executor: Executor, base: BaseModel, { run, lora, onProgress }: DrawRequest): Promise<Trainables> {
  const found = run ? await checkpointOf(run) : null, trained = await loraOf(base, found, run?.ema ?? false, lora?.file);
  await loadComponent(executor, base.source, 'unet', { onProgress: (d, t) => onProgress('loading the UNet', d, t) });
  await loadComponent(executor, base.source, 'vae', { filter: (name) => !name.startsWith('encoder.'), onProgress: (d, t) => onProgress('loading the VAE', d, t) });
  if (found && !trained) await writeTrained(found, run!.ema, (name, values) => executor.write(variableName('unet', name), values));
  if (!trained) return { list: [], lora: null };
  const trainables = loraTrainables(base.source, trained, lora?.strength ?? 1);
  await declareTrainables(executor, base.source, trainables, false);
  return trainables;
}

/** The LoRA of a checkpoint or a file; null where there is none. */
async function loraOf(base: BaseModel, found: FoundCheckpoint | null, ema: boolean, file: string | undefined): Promise<LoraWeights | null> {
  if (!found) return file ? readLora(file, base.source.config('unet')) : null;
  if (!isLora(found)) return null;
  const trained = await trainedWeights(found, ema);
  return trained.kind === 'lora' ? trained.lora : null;
}

async function checkpointOf({ dir, checkpoint }: NonNullable<DrawRequest['run']>): Promise<FoundCheckpoint> {
  const found = await findCheckpoint(runFolder(dir).checkpoints, checkpoint, () => {});
  if (!found) throw new AppError('sample.no_checkpoint', `The run in ${dir} has no checkpoint yet.`, 'Train until the first checkpoint, or draw with its base model.', { dir });
  return found;
}
