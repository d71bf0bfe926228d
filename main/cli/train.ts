/** `lpl train`: makes the run folder (or takes one that is there) and trains in this process. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { AppError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import type { TrainerEvent } from '../contract/trainerEvent.ts';
import { writeFileAtomic } from '../files/atomicFile.ts';
import { listCheckpoints } from '../engine/run/checkpointStore.ts';
import { CommandQueue } from '../engine/run/commandQueue.ts';
import { exitCodes } from '../engine/run/exitCodes.ts';
import { configHash, parseRunConfig, readRunConfig, runFolder } from '../engine/run/runFolder.ts';
import { runTraining } from '../engine/run/runTraining.ts';
import { adviceOf, namedModel } from '../services/namedModel.ts';
import { sayAdvice } from './advise.ts';
import { withFlags } from './configFlags.ts';
import { eventPrinter } from './eventText.ts';
import { howToGoOn } from './goOn.ts';
import { newRunFolder, type NewRunFolder } from './newRunFolder.ts';
import type { Output } from './output.ts';
import { onSignals } from './signals.ts';
import type { Action } from './command.ts';

export const train: Action = async (output, [given], options) => {
  const written = readConfiguration(given, options);
  if (options['print_config']) { process.stdout.write(`${JSON.stringify(written, null, 2)}\n`); return 0; }
  const config = { ...written, model: { ...written.model, base: await namedModel(written.model.base) } };
  // a model that cannot be read is named by what follows; a run that goes on is past advice
  if (!given || !isFolder(given)) sayAdvice(output, written.model.base, await adviceOf(config.model.base).catch(() => ({})), config);
  if (options['estimate']) return (await import('./estimate.ts')).printEstimate(output, config);
  const folder = openRunFolder(given, config, options);
  const commands = new CommandQueue();
  let trained = false;
  stopOnSignals(commands, output, folder.dir, () => trained);
  output.text(`run folder: ${folder.dir}`);
  const print = eventPrinter(output), onEvent = (event: TrainerEvent): void => { print(event); folder.saw?.(event); trained ||= event.type === 'step'; };
  const reason = await runTraining(folder.dir, { resume: (options['resume_from_checkpoint'] as string | undefined) ?? null, commands, onEvent });
  if (folder.withdrawIf?.(reason)) output.text('Nothing was trained; the run folder is removed again.');
  if (reason === 'stopped') output.text(howToGoOn(folder.dir));
  return exitCodes[reason];
};

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/** RUN.json or a run folder's config.json, with the flags laid over it. */
function readConfiguration(given: string | undefined, options: Record<string, unknown>): RunConfig {
  const file = given && (isFolder(given) ? join(given, 'config.json') : given);
  const base = file ? readRunConfig(file) : {};
  const config = parseRunConfig(withFlags(base, options), file ? file : 'The flags');
  if (!config.model.base) throw new AppError('cli.missing_option', 'No base model was given.', 'Add --base PATH, or set model.base in RUN.json.');
  if (!config.data.dataset && !(given && isFolder(given))) throw new AppError('cli.missing_option', 'No data set was given.', 'Add --dataset PATH, or set data.dataset in RUN.json.');
  return config;
}

/** The training process works in the run's folder: paths given here must hold there. */
function absolutePaths(config: RunConfig): RunConfig {
  const absolute = <T extends string | null>(path: T): T => (path && existsSync(path) ? resolve(path) as T : path);
  const { model, data } = config;
  return {
    ...config, model: { base: absolute(model.base), vae: absolute(model.vae), lora: absolute(model.lora) },
    data: { ...data, dataset: absolute(data.dataset), prior_dataset: absolute(data.prior_dataset) },
  };
}

/** The folder to train in: the one given (its configuration unchanged), or a new one. */
function openRunFolder(given: string | undefined, config: RunConfig, options: Record<string, unknown>): Pick<NewRunFolder, 'dir'> & Partial<NewRunFolder> {
  const wanted = options['output_dir'] as string | undefined;
  const existing = given && isFolder(given) ? given : wanted && existsSync(runFolder(wanted).config) ? wanted : undefined;
  if (!existing) return newRunFolder(resolve(wanted ?? defaultName()), absolutePaths(config));
  const stored = readRunConfig(runFolder(existing).config);
  if (![config, absolutePaths(config)].some((c) => configHash(c) === configHash(stored))) {
    if (listCheckpoints(runFolder(existing).checkpoints).length === 0) return { dir: startedAnew(existing, config) };
    throw new AppError('cli.config_differs', `The run in ${existing} has another configuration than the one given.`, 'Leave the flags out to go on with it, or give --output_dir for a new run.', { dir: existing });
  }
  return { dir: resolve(existing) };
}

/** A run that never got to a checkpoint takes the new configuration; its data set is read again. */
function startedAnew(dir: string, config: RunConfig): string {
  const folder = runFolder(dir);
  writeFileAtomic(folder.config, `${JSON.stringify(absolutePaths(config), null, 2)}\n`);
  rmSync(folder.dataset, { force: true });
  return resolve(dir);
}

const defaultName = (): string => join('runs', new Date().toISOString().slice(0, 19).replaceAll(':', '-'));

/** Ctrl-C and SIGTERM: save and stop after the current step; a second time: end at once. `trained`: a step was, since the start. */
function stopOnSignals(commands: CommandQueue, output: Output, dir: string, trained: () => boolean): void {
  onSignals(() => {
    output.text(`${trained() ? 'stopping after this step, with a checkpoint' : 'stopping; no step is done yet that would have to be saved'}; once more to stop at once`);
    commands.push({ type: 'stop', save: true });
  }, () => {
    output.text(howToGoOn(dir));
    process.exit(exitCodes.stopped);
  });
}
