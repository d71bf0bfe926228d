/** Whole runs of a tiny model on a few pictures, for tests of what a run does. */
import { join } from 'node:path';
import { runConfigSchema, type RunConfigInput } from '../../main/contract/runConfig.ts';
import { trainerEventSchema, type TrainerEvent } from '../../main/contract/trainerEvent.ts';
import { CommandQueue } from '../../main/engine/run/commandQueue.ts';
import { createRunFolder } from '../../main/engine/run/runFolder.ts';
import { runTraining } from '../../main/engine/run/runTraining.ts';
import { writeTinyModel } from './tinyModel.ts';
import { pictureFolder, tempDir } from './train-helpers.ts';

type Of<T extends TrainerEvent['type']> = Extract<TrainerEvent, { type: T }>;
export interface Ran { dir: string; reason: string; events: TrainerEvent[]; of<T extends TrainerEvent['type']>(type: T): Of<T>[] }

/** The model and four pictures of 64 px that runs use unless told otherwise. */
export interface TinyRuns { base: string; dataset: string; /** makes a run's folder */ newRun(over?: RunConfigInput): string; /** newRun and go */ train(over?: RunConfigInput): Promise<Ran> }

/** Runs or resumes the training in `dir` and gathers its events, each checked against the contract. */
export async function go(dir: string, onEvent: (e: TrainerEvent, commands: CommandQueue) => void = () => {}): Promise<Ran> {
  const events: TrainerEvent[] = [], commands = new CommandQueue();
  const reason = await runTraining(dir, { resume: null, commands, onEvent: (e) => { events.push(trainerEventSchema.parse(e)); onEvent(e, commands); } });
  return { dir, reason, events, of: <T extends TrainerEvent['type']>(type: T) => events.filter((e) => e.type === type) as Of<T>[] };
}

/** Makes them, and a cache of their own. */
export async function openTinyRuns(): Promise<TinyRuns> {
  process.env['LPL_CACHE'] = tempDir();
  const base = await writeTinyModel(join(tempDir(), 'model')), dataset = await pictureFolder(4);
  const newRun = (over: RunConfigInput = {}): string => {
    const dir = join(tempDir(), 'run');
    createRunFolder(dir, runConfigSchema.parse({
      ...over, model: { base, ...over.model }, data: { dataset, resolution: 64, ...over.data }, method: { rank: 2, ...over.method }, optimizer: { learning_rate: 1e-2, ...over.optimizer },
      training: { max_train_steps: 3, backend: 'tensorflow-eager', checkpointing_steps: 1, ...over.training }, samples: { num_inference_steps: 2, seeds: [1], ...over.samples },
    }));
    return dir;
  };
  return { base, dataset, newRun, train: (over) => go(newRun(over)) };
}
