/** Finished runs of the tiny model on a few pictures, three of them held out: what evaluations and comparisons are tested on. */
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runConfigSchema, type RunConfigInput } from '../../main/contract/runConfig.ts';
import { CommandQueue } from '../../main/engine/run/commandQueue.ts';
import { createRunFolder } from '../../main/engine/run/runFolder.ts';
import { runTraining } from '../../main/engine/run/runTraining.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { pictureFolder, tempDir } from '../engine/train-helpers.ts';

export interface TinySetup { base: string; dataset: string }

/** Model and data set; caches go into a folder of their own. */
export async function tinySetup(heldOut = 3): Promise<TinySetup> {
  process.env['LPL_CACHE'] = tempDir();
  const source = await pictureFolder(5 + heldOut), dataset = tempDir();
  mkdirSync(join(dataset, 'validation'));
  for (const file of readdirSync(source)) cpSync(join(source, file), join(dataset, Number(/\d+/.exec(file)![0]) < 5 ? file : join('validation', file)));
  return { base: await writeTinyModel(join(tempDir(), 'model')), dataset };
}

export const tinyConfig = ({ base, dataset }: TinySetup, over: RunConfigInput = {}) => runConfigSchema.parse({
  model: { base }, data: { dataset, resolution: 64 }, method: { rank: 2, ...over.method }, optimizer: { learning_rate: 1e-2 },
  lpl: { lpl_t_threshold: 1000, lpl_num_blocks: 1, ...over.lpl },
  samples: { prompts: ['a picture of number 1'], seeds: [1, 2], num_inference_steps: 1, guidance_scale: 1, ...over.samples },
  validation: { validation_images: 2, validation_bins: 2, ...over.validation },
  training: { max_train_steps: 1, train_batch_size: 2, threads: 1, backend: 'tensorflow-eager', ...over.training },
});

/** Trains it to its end; the run's folder. */
export async function tinyRun(setup: TinySetup, name: string, over: RunConfigInput = {}): Promise<string> {
  const dir = join(tempDir(), name);
  createRunFolder(dir, tinyConfig(setup, over));
  const reason = await runTraining(dir, { resume: null, commands: new CommandQueue(), onEvent: (e) => { if (e.type === 'failed') throw new Error(e.error.message); } });
  if (reason !== 'finished') throw new Error(`the run ended: ${reason}`);
  return dir;
}
