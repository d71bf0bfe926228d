/** A training run made ready: model open, data cached, program compiled, state restored. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetManifest } from '../../contract/datasetManifest.ts';
import { cpuPlan, partsOn } from '../backend/cpuPlan.ts';
import { createExecutor } from '../backend/select.ts';
import type { Executor } from '../backend/executor.ts';
import { batchPlan, type BatchPlan } from '../data/batches.ts';
import type { BatchSources } from '../data/loadBatch.ts';
import { trainedCaptions } from '../data/trainedCaptions.ts';
import { prepareData, type RunData } from '../data/prepareData.ts';
import { dataWarnings, openRunDataset } from '../data/runDataset.ts';
import { buildProgram } from '../buildProgram.ts';
import { createOptimizer } from '../optim/index.ts';
import { openPainter, type Painter } from '../sampling/painter.ts';
import type { TrainProgram } from '../trainProgram.ts';
import { trainedValues, type TextUse, type Trainables } from '../trainables/trainables.ts';
import { openValidation, type Validation } from '../validation.ts';
import type { BaseModel } from './baseModel.ts';
import { cleanCheckpoints, findCheckpoint, listCheckpoints, supersedeAfter, type FoundCheckpoint } from './checkpointStore.ts';
import { restoreState } from './checkpoints.ts';
import { computedBefore, computedWith, notAsBefore, sameKernels, type Computed } from './computed.ts';
import { checkDisk, checkpointBytes } from './diskCheck.ts';
import type { Encoders } from './encoders.ts';
import { configHash } from './runFolder.ts';
import type { StageReporter, TrainRun } from './trainRun.ts';

export interface Session {
  run: TrainRun;
  base: BaseModel;
  trainables: Trainables;
  data: RunData;
  sources: BatchSources;
  program: TrainProgram;
  painter: Painter;
  validation: Validation | null;
  computed: Computed;
  firstStep: number;
  totalSteps: number;
  report: StageReporter;
}

export interface SessionParts extends Pick<Session, 'run' | 'base' | 'trainables' | 'report'> { text: TextUse; encoders: Encoders }

/** Everything up to the first step. Throws AppErrors, EndedEarly. The caller disposes `program.executor`. */
export async function openSession({ run, base, trainables, text, encoders, report }: SessionParts): Promise<Session> {
  const { config, folder } = run;
  const found = await findStart(run);
  const { backend, precision, train_batch_size: batch } = config.training;
  const plan = cpuPlan({ threads: config.training.threads, batch, trainedValues: trainedValues(trainables) });
  const slower: string[] = [];
  const before = computedBefore(found);
  const executor = await createExecutor({ backend, threads: plan.threads, precision, ...sameKernels(before, config.training), onWarning: (message) => slower.push(message) });
  try {
    const parts = partsOn(executor, plan), computed = computedWith(executor, config.training, { ...plan, parts }), changed = notAsBefore(before, computed);
    report('starting_engine', engineText(executor, config.training, slower[0]), 1, 1);
    const manifest = await openRunDataset(folder.dir, config, base.align, (done, total) => report('reading_data', 'reading pictures', done, total));
    const totalSteps = stepsOf(run, batchPlan(trainingItems(manifest), { ...config.data, ...config.training }));
    emitStarted(run, executor, found, totalSteps);
    if (assumesScheduler(base)) run.emit({ type: 'warning', code: 'model.no_scheduler', message: `The model has no scheduler/scheduler_config.json; the noise schedule of ${base.source.kind === 'sdxl' ? 'SDXL' : 'SD 1.5'} and ${base.predictionType} prediction are assumed. A model that predicts v needs its file, or the prediction type chosen by hand.` });
    if (changed) run.emit({ type: 'warning', code: 'engine.other_numbers', message: changed });
    for (const message of slower) run.emit({ type: 'warning', code: 'engine.slower_backend', message });
    const low = checkDisk(folder.checkpoints, checkpointBytes(trainables, createOptimizer(config.optimizer), config.training.use_ema), config.training.checkpoints_total_limit, listCheckpoints(folder.checkpoints).length);
    if (low) run.emit({ type: 'warning', code: 'disk.low', message: low });
    if (!found) await base.source.checkValues((done, total) => report('loading_weights', 'checking the model\'s weights', done, total)); // hours of caching come next
    const data = await prepareData(run, base, manifest, encoders, text, report);
    for (const w of dataWarnings(data.manifest, config.training.train_batch_size)) run.emit({ type: 'warning', ...w });
    encoders.release();
    return await assemble({ run, base, trainables, text, data, report, executor, parts, computed, found });
  } catch (error) {
    executor.dispose();
    throw error;
  }
}

const trainingItems = (manifest: DatasetManifest): DatasetManifest['items'] => manifest.items.filter((i) => i.split === 'train');
const stepsOf = ({ config: { training } }: TrainRun, plan: BatchPlan): number =>
  (training.num_train_epochs ? plan.stepsIn(training.num_train_epochs) : training.max_train_steps);

/** The checkpoint to go on from: the one asked for, or the newest whole one if the run has any. */
async function findStart({ folder, resume, emit }: TrainRun): Promise<FoundCheckpoint | null> {
  cleanCheckpoints(folder.checkpoints);
  if (resume === null && listCheckpoints(folder.checkpoints).length === 0) return null;
  const found = await findCheckpoint(folder.checkpoints, resume ?? 'latest', (e) => emit({ type: 'warning', code: e.code, message: `${e.message} It is passed over.` }));
  if (found) for (const name of supersedeAfter(folder.checkpoints, found.manifest.step)) emit({ type: 'warning', code: 'checkpoint.set_aside', message: `${name} is newer than where the run goes on; it is set aside until the next checkpoint is saved.` });
  return found;
}

/** A folder says its noise schedule in a file; single files are recognised by their tensors. */
const assumesScheduler = ({ source }: BaseModel): boolean => source.layout === 'diffusers' && !existsSync(join(source.path, 'scheduler', 'scheduler_config.json'));

/** What computes, and why it is this. */
function engineText({ info }: Executor, { backend, precision }: TrainRun['config']['training'], slower: string | undefined): string {
  const compiled = info.kind === 'compiled', why = backend !== 'auto' ? `"${backend}" was asked for` : (compiled ? undefined : slower) ?? 'the fastest that works here';
  const other = info.precision === precision ? '' : `; ${precision} was asked for, which ${compiled ? 'is slower on this processor' : 'this backend does not have'}`;
  return `computing with ${info.version} on the ${info.device}, ${compiled ? 'compiled steps' : 'op by op'}, in ${info.precision}: ${why}${other}`;
}

function emitStarted({ config, emit }: TrainRun, { info }: Executor, found: FoundCheckpoint | null, total_steps: number): void {
  const config_hash = configHash(config);
  emit({
    type: 'started', pid: process.pid, backend: info.backend, version: info.version, device: info.device, precision: info.precision,
    compiled: info.kind === 'compiled', resumed_from: found?.manifest.step ?? null, total_steps, config_hash,
  });
  if (found && found.manifest.state['config_hash'] !== config_hash) emit({ type: 'warning', code: 'checkpoint.config_changed', message: 'The settings have changed since this checkpoint was saved; the run goes on with the new ones.' });
}

interface Parts extends Pick<Session, 'run' | 'base' | 'trainables' | 'data' | 'computed' | 'report'> { executor: Executor; /** of a batch, worked on at once */ parts: number; text: TextUse; found: FoundCheckpoint | null }

/** Loads weights, defines and compiles every step function, and restores the state. */
async function assemble({ run, base, trainables, text, data, report, executor, parts, computed, found }: Parts): Promise<Session> {
  const { config } = run, { data: d, training, validation } = config;
  const totalSteps = stepsOf(run, data.plan);
  const program = await buildProgram({ executor, parts, base, trainables, liveText: text.live, config, plan: data.plan, totalSteps, report, warn: (code, message) => run.emit({ type: 'warning', code, message }) });
  const captions = text.live ? await trainedCaptions(executor, base.source, trainables, training.use_ema) : () => data.captions;
  const painter = openPainter({ run, executor, base, trainables, captions, report });
  const checks = validation.validation_every > 0 ? heldOut(run, data) : [];
  const validator = checks.length ? openValidation({ executor, base, trainables, latents: data.latents, captions, items: checks, options: validation, ema: training.use_ema }) : null;
  executor.prepare((part, done, total) => report('compiling', preparing[part], done, total));
  if (found) await restoreState(executor, program.groups, found);
  const sources: BatchSources = { latents: data.latents, captions: text.live ? null : data.captions, scale: base.vae, draw: d.latents === 'mean' ? 'mean' : training.seed };
  return { run, base, trainables, data, sources, program, painter, validation: validator, computed, firstStep: found?.manifest.step ?? 0, totalSteps, report };
}

/** The parts of an executor's preparation in words. */
const preparing = { tracing: 'writing the training step as a TensorFlow graph', loading: 'handing the graph to TensorFlow', weights: 'handing the weights to TensorFlow' };

function heldOut({ emit }: TrainRun, data: RunData): RunData['validation'] {
  if (!data.validation.length) emit({ type: 'warning', code: 'data.no_validation', message: 'Validation is on, but the data set holds no pictures out: none is measured. Mark some as validation, or put them into a folder "validation".' });
  return data.validation;
}
