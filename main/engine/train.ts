/**
 * The training run: load → cache → compile → train, with samples, validation and checkpoints on the way. Every stage is an event.
 * Resuming puts weights, optimizer state and EMA back as they were; everything else follows from (seed, step, sample).
 */
import { AppError } from '../contract/errors.ts';
import { loadBatch, type HostBatch } from './data/loadBatch.ts';
import { exportFinished } from './export.ts';
import { openBaseModel } from './run/baseModel.ts';
import { newestStep, saveCheckpoint } from './run/checkpointStore.ts';
import { stateTensors } from './run/checkpoints.ts';
import { openEncoders, type Encoders } from './run/encoders.ts';
import { etaClock, memoryNow, pauseClock, type PauseClock } from './run/progress.ts';
import { readJournal } from './run/journal.ts';
import { configHash } from './run/runFolder.ts';
import { openSession, type Session } from './run/session.ts';
import { EndedEarly, stageReporter, type TrainRun } from './run/trainRun.ts';
import type { StepReport } from './trainProgram.ts';
import { planTrainables, textUse } from './trainables/trainables.ts';

/** The first steps after a start or a resume are no measure of the others: caches are cold, and with LPL not all steps cost the same. */
const FIRST_STEPS = 5;

type EndReason = 'finished' | 'stopped' | 'paused';
interface End { step: number; reason: EndReason }
/** Times of steps and of what comes between them, for the time left. */
interface Clocks { step: ReturnType<typeof etaClock>; draw: PauseClock; validate: PauseClock; save: PauseClock }

/** Runs the training to its end, a stop or a pause. Throws AppErrors; `run.emit` has told everything up to there. */
export async function train(run: TrainRun): Promise<EndReason> {
  const began = Date.now(), report = stageReporter(run);
  const base = await openBaseModel(run.config);
  let encoders: Encoders | undefined, session: Session | undefined;
  try {
    const trainables = await planTrainables(run.config, base.source), text = textUse(run.config, trainables);
    encoders = openEncoders(base, run.config.training, (what, done, total) => report('loading_weights', what, done, total), text.adapted);
    session = await openSession({ run, base, trainables, text, encoders, report });
    const { step, reason } = await loop(session);
    run.emit({ type: 'finished', reason, step, seconds: (Date.now() - began) / 1000 });
    return reason;
  } catch (error) {
    if (!(error instanceof EndedEarly)) throw error;
    run.emit({ type: 'finished', reason: error.reason, step: newestStep(run.folder.checkpoints), seconds: (Date.now() - began) / 1000 });
    return error.reason;
  } finally {
    session?.program.executor.dispose();
    encoders?.release();
    await base.source.close();
  }
}

/** Steps until all are done or the person ends the run. */
async function loop(s: Session): Promise<End> {
  const { samples, validation, training } = s.run.config;
  const clocks: Clocks = { step: etaClock(FIRST_STEPS), draw: pauseClock(samples.sample_every), validate: pauseClock(validation.validation_every), save: pauseClock(training.checkpointing_steps) };
  if (s.firstStep === 0 || !observed(s, s.firstStep)) await observe(s, s.firstStep, clocks);
  let saved = s.firstStep;
  for (let step = s.firstStep; step < s.totalSteps; step++) {
    const end = await obey(s, step);
    if (end) {
      if (end.save && saved !== step) await save(s, step);
      return { step, reason: end.reason };
    }
    await oneStep(s, step, clocks);
    const done = step + 1;
    if (done % s.run.config.training.checkpointing_steps === 0 || done === s.totalSteps) { await clocks.save.timed(() => save(s, done)); saved = done; }
    await observe(s, done, clocks);
  }
  await exportFinished(s);
  return { step: s.totalSteps, reason: 'finished' };
}

/** Whether the journal has everything that is due at the step a run resumes from: the process may have ended between checkpoint and samples. */
function observed(s: Session, step: number): boolean {
  const { events } = readJournal(s.run.folder.journal);
  const drawn = new Set(events.flatMap((e) => (e.type === 'sample' && e.step === step ? [e.file] : []))).size;
  return drawn >= s.painter.pictures && (!s.validation || events.some((e) => e.type === 'validation' && e.step === step));
}

/** Carries out what was asked since the last step. */
async function obey(s: Session, step: number): Promise<{ reason: EndReason; save: boolean } | null> {
  let end: { reason: EndReason; save: boolean } | null = null;
  await s.run.commands.listen();
  for (const command of s.run.commands.take()) {
    if (command.type === 'stop') end = { reason: 'stopped', save: command.save };
    if (command.type === 'pause') end = { reason: 'paused', save: true };
    if (command.type === 'set_prompts') changePrompts(s, command);
    if (command.type === 'sample_now') await s.painter.draw(step);
  }
  return end;
}

/** Told to the journal, so that a resumed run, and a new one like it, go on with them. */
function changePrompts({ painter, run }: Session, { prompts, negative_prompt }: { prompts: string[]; negative_prompt: string }): void {
  painter.setPrompts(prompts, negative_prompt);
  run.emit({ type: 'prompts', prompts, negative_prompt });
}

async function oneStep(s: Session, step: number, clocks: Clocks): Promise<void> {
  const began = performance.now(), { run, program } = s;
  const planned = s.data.plan.step(step);
  const batches: HostBatch[] = [];
  for (const micro of planned) batches.push(await loadBatch(micro, step, s.sources));
  const loaded = performance.now();
  const report = await program.step(step, batches);
  if (!report.finite) throw nonFinite(step, report, batches);
  const seconds = (performance.now() - began) / 1000, pictures = batches.reduce((n, b) => n + b.names.length, 0);
  if (!report.firstUse) clocks.step.tick(seconds);
  run.emit({
    type: 'step', step: step + 1, seconds, images_per_s: pictures / seconds, eta_s: timeLeft(s, step + 1, clocks), memory: memoryNow(),
    metrics: { ...report.metrics, epoch: planned[0]!.epoch, 'time/data': (loaded - began) / 1000, 'time/step': (performance.now() - loaded) / 1000 },
  });
}

/** Seconds until the end: the steps, and what is due between them. Null for the first steps. */
function timeLeft({ totalSteps }: Session, done: number, { step, draw, validate, save }: Clocks): number | null {
  const steps = step.left(totalSteps - done);
  return steps === null ? null : [draw, validate, save].reduce((sum, clock) => sum + clock.left(done, totalSteps), steps);
}

function nonFinite(step: number, { metrics, badPictures }: StepReport, batches: HostBatch[]): AppError {
  const names = batches.flatMap((b) => b.names), guilty = badPictures.length ? badPictures : names;
  return new AppError('train.non_finite', `The loss or its gradients stopped being finite in step ${step + 1}, on ${guilty.slice(0, 8).join(', ')}. The weights were not changed by it.`,
    'Lower the learning rate, or compute in fp32, and resume from the last checkpoint. If it is always the same picture, take it out of the data set.', { step: step + 1, pictures: names, bad: badPictures, metrics: printable(metrics) });
}

/** JSON has no NaN. */
const printable = (metrics: Record<string, number>): Record<string, string> => Object.fromEntries(Object.entries(metrics).map(([k, v]) => [k, String(v)]));

async function save(s: Session, step: number): Promise<void> {
  const { run, program } = s, { training } = run.config;
  s.report('saving', 'saving a checkpoint', 0, 1);
  const state = { config_hash: configHash(run.config), seed: training.seed, total_steps: s.totalSteps, dataset_hash: s.data.manifest.dataset.hash, lora: s.trainables.lora, computed: s.computed };
  const saved = await saveCheckpoint(run.folder.checkpoints, step, stateTensors(program.executor, program.groups), state, training.checkpoints_total_limit);
  run.emit({ type: 'checkpoint', step, dir: saved.dir.slice(run.folder.dir.length + 1), bytes: saved.bytes, sha256: saved.sha256, removed: saved.removed });
}

/** Draws samples and measures validation where they are due after `done` steps. */
async function observe(s: Session, done: number, { draw, validate }: Clocks): Promise<void> {
  const { samples, validation } = s.run.config, last = done === s.totalSteps;
  const due = (every: number): boolean => done === 0 || last || (every > 0 && done % every === 0);
  if (s.painter.pictures && due(samples.sample_every)) await draw.timed(() => s.painter.draw(done));
  if (!s.validation || !due(validation.validation_every)) return;
  const { validation: measure } = s;
  const metrics = await validate.timed(() => measure.run((n, total) => s.report('validating', 'measuring held-out pictures', n, total)));
  s.run.emit({ type: 'validation', step: done, metrics });
}
