/** Comparisons: arms of runs that differ only in what is compared, what they showed, and blind votes. */
import { z } from 'zod';
import { done, id, method, nothing, startedJob, time } from './method.ts';
import { runStates } from './runs.ts';

const label = z.string().trim().min(1, 'a name is needed').max(200);
export const armKinds = ['baseline', 'lpl', 'aa', 'other'] as const;

/** An arm that is asked for: `lpl` holds the fields of the LPL group that differ from the base configuration. */
export const armRequestSchema = z.strictObject({ kind: z.enum(['baseline', 'lpl', 'aa']), label: label.optional(), lpl: z.record(z.string(), z.unknown()).optional() });

export const comparedRunSchema = z.object({ run_id: id, name: z.string(), seed: z.int(), state: z.enum(runStates), step: z.int(), total_steps: z.int(), eta_s: z.number().nullable() });
export const comparisonArmSchema = z.object({ id, kind: z.enum(armKinds), label: z.string(), runs: z.array(comparedRunSchema) });

export const comparisonSchema = z.object({
  id, name: z.string(), created_at: time, arms: z.array(comparisonArmSchema),
  /** draft: nothing started; waiting and training: in the queue; trained: every run finished; stopped: some ended before their time */
  state: z.enum(['draft', 'waiting', 'training', 'trained', 'stopped']),
  /** optimizer steps of all runs together, and when the last one is expected to end */
  done_steps: z.int(), total_steps: z.int(), eta_s: z.number().nullable(),
  /** made from one configuration, so that arms can be added; not so for runs that existed before */
  extendable: z.boolean(),
  /** the job that evaluates it now */
  job_id: z.string().nullable(),
  /** when its numbers were made; null: not yet */
  evaluated_at: time.nullable(),
});
export type Comparison = z.output<typeof comparisonSchema>;

export const differenceSchema = z.object({ path: z.string(), title: z.string(), /** one an arm */ values: z.array(z.unknown()), /** part of what is compared */ intended: z.boolean() });
export const curvePointSchema = z.object({ step: z.number(), seconds: z.number(), mean: z.number(), low: z.number(), high: z.number() });
export const armCurveSchema = z.object({ arm_id: id, metric: z.string(), repetitions: z.int(), /** points in the range, before thinning */ total: z.int(), points: z.array(curvePointSchema) });
export type ArmCurve = z.output<typeof armCurveSchema>;

/** One prompt and seed at one step, with each arm's picture of it (null: not drawn yet), of one repetition; `training_seeds` are its seeds in each arm (null: the arm has none). */
export const pictureRowSchema = z.object({ prompt: z.string(), seed: z.int(), step: z.int(), ema: z.boolean(), width: z.int(), height: z.int(), repetition: z.int(), training_seeds: z.array(z.int().nullable()), urls: z.array(z.string().nullable()) });
export type ComparedPictures = z.output<typeof pictureRowSchema>;

export const intervalSchema = z.object({ effect: z.number(), low: z.number(), high: z.number(), level: z.number(), pairs: z.int(), clusters: z.int(), resamples: z.int() });
export const verdictSchema = z.object({ kind: z.enum(['better', 'worse', 'no_difference', 'too_few', 'no_noise_floor', 'identical']), sentence: z.string() });
const armNumbersSchema = z.object({ label: z.string(), kind: z.enum(armKinds), mean: z.number().nullable(), effect: intervalSchema.nullable(), verdict: verdictSchema.nullable() });
export const measureSchema = z.object({ id: z.string(), title: z.string(), unit: z.string(), note: z.string(), lowerIsBetter: z.boolean(), arms: z.array(armNumbersSchema) });
const estimateSchema = z.object({ value: z.number(), /** over subsets */ std: z.number(), subsets: z.int(), subsetSize: z.int() });
const distancesSchema = z.object({ pictures: z.int(), references: z.int(), kid: estimateSchema, frechet: estimateSchema, frechetWarning: z.string().nullable() });
const styleSchema = z.object({ color: z.string(), dash: z.string(), letter: z.string() });
export const chartSchema = z.object({
  title: z.string(), xLabel: z.string(), logY: z.boolean().optional(),
  series: z.array(z.object({ label: z.string(), style: styleSchema, points: z.array(z.object({ x: z.number(), mean: z.number(), low: z.number(), high: z.number() })) })),
});
/** A report without its pictures. */
export const comparisonNumbersSchema = z.object({
  title: z.string(), madeAt: z.string(),
  arms: z.array(z.object({ kind: z.enum(armKinds), label: z.string(), style: styleSchema, runs: z.array(z.object({ name: z.string(), seed: z.int(), steps: z.int(), seconds: z.number(), weights_sha256: z.string() })) })),
  differences: z.array(differenceSchema),
  analysis: z.object({
    identical: z.array(z.string()), distances: z.array(z.object({ label: z.string(), values: distancesSchema.nullable() })),
    measures: z.array(measureSchema), verdicts: z.array(z.object({ label: z.string(), verdict: verdictSchema })),
  }),
  charts: z.array(chartSchema), provenance: z.record(z.string(), z.string()),
});
export type ComparisonNumbers = z.output<typeof comparisonNumbersSchema>;

export const ballotSchema = z.object({ vote_id: id, prompt: z.string(), left: z.string(), right: z.string(), /** votes cast on this pair of arms, and pairs of pictures in all */ cast: z.int(), total: z.int() });
export const voteResultSchema = z.object({
  arm_id: id, arm: z.string(), baseline: z.string(), votes: z.int(), ties: z.int(), for_arm: z.int(), for_baseline: z.int(),
  /** share of the votes that are no ties, with Wilson's 95 % interval; null without any */
  share: z.object({ share: z.number(), low: z.number(), high: z.number(), n: z.int() }).nullable(),
});

const arms = z.array(armRequestSchema).min(1).max(8);
const one = z.strictObject({ id });
const evaluation = z.strictObject({ prompts: z.int().min(1).max(1_000).optional(), seeds: z.int().min(1).max(64).optional(), references: z.int().min(0).max(10_000).optional(), reconstructions: z.int().min(0).max(10_000).optional() });

export const compareMethods = {
  'comparisons.list': method('All comparisons, newest first.', nothing, z.array(comparisonSchema)),
  'comparisons.get': method('One comparison.', one, comparisonSchema),
  'comparisons.plan': method('What a comparison of this configuration would train, without making anything.', z.strictObject({ config: z.record(z.string(), z.unknown()), arms, seeds: z.int().min(1).max(10).default(1) }), z.object({ arms: z.array(z.object({ kind: z.enum(armKinds), label: z.string(), seeds: z.array(z.int()) })), runs: z.int(), steps: z.int(), differences: z.array(differenceSchema) })),
  'comparisons.create': method('Runs that differ only in the arms asked for, with the A/A arm unless `aa` is false; with `start` they are queued as one entry.', z.strictObject({ name: label.optional(), project_id: id.optional(), config: z.record(z.string(), z.unknown()), arms, aa: z.boolean().default(true), seeds: z.int().min(1).max(10).default(1), start: z.boolean().default(false) }), comparisonSchema),
  'comparisons.fromRuns': method('A comparison of runs that exist, sorted into arms by their settings.', z.strictObject({ name: label.optional(), run_ids: z.array(id).min(2).max(80) }), comparisonSchema),
  'comparisons.addArm': method('Another arm, trained as the others were; with `start` its runs are queued with the others.', z.strictObject({ id, arm: armRequestSchema, start: z.boolean().default(false) }), comparisonSchema),
  'comparisons.rename': method('Another name.', z.strictObject({ id, name: label }), comparisonSchema),
  'comparisons.start': method('Queues every run that has not finished, as one entry of the queue.', one, comparisonSchema),
  'comparisons.pause': method('Saves and pauses the run under way and takes the others off the queue.', one, comparisonSchema),
  'comparisons.stop': method('Ends the run under way after its step, with or without a checkpoint, and takes the others off the queue. Started again, every run goes on from its last checkpoint.', one.extend({ save: z.boolean().default(true) }), comparisonSchema),
  'comparisons.delete': method('Forgets the comparison, its numbers and votes; with `runs` its runs are deleted too.', z.strictObject({ id, runs: z.boolean().default(false) }), done),
  'comparisons.differences': method('What differs between the arms\' settings, field by field.', one, z.array(differenceSchema)),
  'comparisons.curves': method('Losses on held-out pictures of every arm against steps and training time, with the spread over repetitions: those named (else all), between two steps, thinned to about max_points a repetition without losing a spike; a narrow range comes whole. `metrics`: what there is.',
    one.extend({ metrics: z.array(z.string().max(200)).max(200).optional(), from: z.number().min(0).default(0), to: z.number().nullable().default(null), max_points: z.int().min(10).max(1_000_000).default(1_000) }), z.object({ metrics: z.array(z.string()), curves: z.array(armCurveSchema) })),
  'comparisons.pictures': method('The same prompts and seeds of every arm, repetition by repetition, step by step.', one, z.array(pictureRowSchema)),
  'comparisons.evaluate': method('A job that draws and measures what the comparison is judged by.', one.extend({ options: evaluation.default({}) }), startedJob),
  'comparisons.numbers': method('The last evaluation\'s numbers and verdicts, or null.', one, comparisonNumbersSchema.nullable()),
  'comparisons.report': method('Where the report of the last evaluation can be fetched; with `path` it is also written there.', z.strictObject({ id, path: z.string().max(4_000).optional() }), z.object({ url: z.string(), file: z.string() })),
  'demo.start': method('A comparison of the built-in model on the demo pictures, queued at once.', z.strictObject({ steps: z.int().min(10).max(10_000).default(150), seeds: z.int().min(1).max(10).default(1), aa: z.boolean().default(true) }), comparisonSchema),
  'votes.next': method('Two pictures of the same prompt and seed, left and right by chance; null when all have been judged.', z.strictObject({ comparison_id: id, arm_id: id }), ballotSchema.nullable()),
  'votes.cast': method('Judges a pair.', z.strictObject({ vote_id: id, choice: z.enum(['left', 'right', 'tie']) }), done),
  'votes.result': method('Unblinds: how often each arm won.', z.strictObject({ comparison_id: id, arm_id: id }), voteResultSchema),
  'votes.clear': method('Forgets the votes on an arm, to begin again.', z.strictObject({ comparison_id: id, arm_id: id }), done),
};
