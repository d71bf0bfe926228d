/** Runs: their life from draft to export, the queue, and the configuration's checks. */
import { z } from 'zod';
import { appErrorSchema } from './errors.ts';
import { done, id, method, nothing, startedJob, time } from './method.ts';
import { runConfigSchema } from './runConfig.ts';
import { exitReasons } from './trainerEvent.ts';

/**
 * draft → queued → starting → running → (pausing → paused | stopping → stopped | finished | failed).
 * "lost" is a run whose process vanished without a last word; it can be resumed from its last checkpoint.
 */
export const runStates = ['draft', 'queued', 'starting', 'running', 'pausing', 'paused', 'stopping', 'stopped', 'finished', 'failed', 'lost'] as const;

export const stageSchema = z.object({ stage: z.string(), text: z.string(), done: z.number(), total: z.number(), eta_s: z.number().nullable(), at: time });

export const runSchema = z.object({
  id,
  project_id: id,
  name: z.string(),
  notes: z.string(),
  state: z.enum(runStates),
  /** why it ended, and what to do next */
  exit_reason: z.enum(exitReasons).nullable(),
  error: appErrorSchema.nullable(),
  /** the run whose settings this one repeats with another loss, for comparisons */
  compared_with: id.nullable(),
  lpl_enabled: z.boolean(),
  step: z.int(),
  total_steps: z.int(),
  stage: stageSchema.nullable(),
  eta_s: z.number().nullable(),
  images_per_s: z.number().nullable(),
  memory_mb: z.number().nullable(),
  backend: z.string().nullable(),
  device: z.string().nullable(),
  /** place in the queue, from 1; null when not queued */
  queue_position: z.int().nullable(),
  priority: z.int(),
  folder: z.string(),
  created_at: time,
  started_at: time.nullable(),
  ended_at: time.nullable(),
  /** number of the last journal event taken in */
  last_event: z.int(),
});
export type Run = z.output<typeof runSchema>;
export const runWithConfigSchema = runSchema.extend({
  config: runConfigSchema,
  /** the sample prompts drawn now, where they were changed while it trained */
  changed_prompts: z.object({ prompts: z.array(z.string()), negative_prompt: z.string() }).nullable(),
});
export type RunWithConfig = z.output<typeof runWithConfigSchema>;

export const configIssueSchema = z.object({
  /** the field's path such as "training.max_train_steps"; "" for the whole */
  path: z.string(),
  message: z.string(),
  hint: z.string(),
});
export const configCheckSchema = z.object({
  ok: z.boolean(),
  errors: z.array(configIssueSchema),
  warnings: z.array(configIssueSchema),
  /** with every default filled in; null when there are errors of form */
  config: runConfigSchema.nullable(),
});
export type ConfigCheck = z.output<typeof configCheckSchema>;

export const estimateSchema = z.object({
  /** formula: from the model's shapes; measured: from a dry run of the largest bucket */
  source: z.enum(['formula', 'measured']),
  memory_parts: z.array(z.object({ name: z.string(), mb: z.number() })),
  memory_mb: z.number(),
  memory_available_mb: z.number(),
  seconds_per_step: z.number().nullable(),
  total_seconds: z.number().nullable(),
  /** what the whole time is made of, s; empty where it is not known */
  time_parts: z.array(z.object({ name: z.string(), seconds: z.number() })).default([]),
  fits: z.boolean(),
  notes: z.array(z.string()),
});
export type Estimate = z.output<typeof estimateSchema>;

/**
 * The starts of a dry run: one without LPL and, where LPL is on, one with it, each with the steps that it trains and the share of the samples that take
 * part in LPL. Where that is half of a batch, more steps are needed so that every number of samples occurs.
 */
export function dryRunStarts({ lpl, training }: Pick<z.output<typeof runConfigSchema>, 'lpl' | 'training'>): { steps: number; share: number }[] {
  const steps = 6;
  return [{ steps, share: 0 }, ...(lpl.enabled ? [training.train_batch_size > 1 && !lpl.lpl_stratified ? { steps: 14, share: 0.5 } : { steps, share: 1 }] : [])];
}

/** A place in the queue: a run, or all runs of a comparison that train or wait. */
export const queueEntrySchema = z.object({
  /** the run's or the comparison's */
  id,
  kind: z.enum(['run', 'comparison']),
  name: z.string(),
  state: z.enum(['training', 'waiting']),
  /** what of a comparison is under way, or comes next: "arm 2 of 3, seed 1 of 3" */
  part: z.string(),
  /** those that train, then those that wait, in order */
  run_ids: z.array(id),
  /** optimizer steps and time left of the whole entry */
  done_steps: z.int(), total_steps: z.int(), eta_s: z.number().nullable(),
});
export type QueueEntry = z.output<typeof queueEntrySchema>;

export const runEventSchema = z.object({ n: z.int(), at: time, type: z.string(), data: z.record(z.string(), z.unknown()) });
const priority = z.int().min(-100).max(100);
const runName = z.string().trim().min(1, 'a name is needed').max(200);
/** A configuration as a form has it: possibly incomplete, possibly wrong. */
const looseConfig = z.record(z.string(), z.unknown());

export const runMethods = {
  'runs.checkConfig': method('Validates a configuration as it is typed: form, what it refers to, and advice.', z.strictObject({ config: looseConfig }), configCheckSchema),
  'runs.estimate': method('Memory and time from the model\'s shapes; at once.', z.strictObject({ config: looseConfig }), estimateSchema),
  'runs.dryRun': method('A job that runs a few steps of the largest bucket and measures memory and time; its result is an estimate.', z.strictObject({ config: looseConfig }), startedJob),
  'runs.create': method('A new run, as a draft; with `start` it is queued at once.', z.strictObject({ project_id: id.optional(), name: runName.optional(), notes: z.string().max(20_000).default(''), config: looseConfig, compared_with: id.nullable().default(null), start: z.boolean().default(false) }), runWithConfigSchema),
  'runs.list': method('All runs, newest first.', z.strictObject({ project_id: id.optional() }), z.array(runSchema)),
  'runs.get': method('One run with its configuration.', z.strictObject({ id }), runWithConfigSchema),
  'runs.update': method('Changes name, notes, project, or, while it is a draft, the configuration.', z.strictObject({ id, name: runName.optional(), notes: z.string().max(20_000).optional(), project_id: id.optional(), config: looseConfig.optional() }), runWithConfigSchema),
  'runs.start': method('Queues a draft, or a paused, stopped, failed or lost run to go on from its last checkpoint.', z.strictObject({ id, priority: priority.default(0) }), runSchema),
  'runs.pause': method('Saves everything after the current step and gives the machine free; takes a queued run off the queue.', z.strictObject({ id }), runSchema),
  'runs.resume': method('Like start.', z.strictObject({ id, priority: priority.default(0) }), runSchema),
  'runs.stop': method('Ends a run after the current step, with or without a last checkpoint.', z.strictObject({ id, save: z.boolean().default(true) }), runSchema),
  'runs.kill': method('Ends a run\'s process now. Steps since the last checkpoint are lost.', z.strictObject({ id }), runSchema),
  'runs.delete': method('Deletes a run and its folder: checkpoints, samples and exports in it too. A live run is refused.', z.strictObject({ id }), done),
  'runs.duplicate': method('A new draft with the same configuration, with LPL switched the other way if asked.', z.strictObject({ id, switch_lpl: z.boolean().default(false) }), runWithConfigSchema),
  'runs.sampleNow': method('Draws the sample prompts after the current step.', z.strictObject({ id }), done),
  'runs.setPrompts': method('Other sample prompts from now on.', z.strictObject({ id, prompts: z.array(z.string().max(10_000)).max(64), negative_prompt: z.string().max(10_000).default('') }), done),
  'runs.events': method('Journal events after number `after`: checkpoints, samples, warnings, exclusions; no steps.', z.strictObject({ id, after: z.int().min(0).default(0), limit: z.int().min(1).max(5_000).default(1_000) }), z.array(runEventSchema)),
  'runs.log': method('The tail of what the training process printed, stderr included.', z.strictObject({ id, bytes: z.int().min(1).max(1_000_000).default(65_536) }), z.object({ text: z.string(), truncated: z.boolean() })),
  'queue.list': method('What runs and what waits, in order; `entries` has the runs of a comparison as one.', nothing, z.object({ running: z.array(runSchema), waiting: z.array(runSchema), entries: z.array(queueEntrySchema), held: z.boolean() })),
  'queue.reorder': method('Puts the waiting runs into this order; a comparison, named by its id or one of its runs, moves as a whole. What is not named keeps its place behind.', z.strictObject({ ids: z.array(id).max(10_000) }), done),
  'queue.setPriority': method('Higher goes first; equal ones in the order they were queued.', z.strictObject({ id, priority }), done),
  'queue.hold': method('Holds the queue (nothing new starts) or lets it go on.', z.strictObject({ held: z.boolean() }), done),
  'runs.rebuild': method('Reads all run folders again and makes the database agree with them.', nothing, startedJob),
};
