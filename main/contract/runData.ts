/** What a run leaves behind: metrics, sample pictures, checkpoints and exports. */
import { z } from 'zod';
import { id, method, startedJob, time } from './method.ts';

export const seriesSchema = z.object({
  name: z.string(),
  /** raw points in the range, before downsampling */
  total: z.int(),
  steps: z.array(z.number()),
  values: z.array(z.number()),
});
export type Series = z.output<typeof seriesSchema>;

export const sampleSchema = z.object({
  id, run_id: id, step: z.int(), prompt: z.string(), negative_prompt: z.string(), prompt_index: z.int(), seed: z.int(), ema: z.boolean(),
  width: z.int(), height: z.int(), file: z.string(), sha256: z.string(), created_at: time,
  /** picture for <img src>; add ?w=256 for a smaller one */
  url: z.string(),
});
export type Sample = z.output<typeof sampleSchema>;

export const checkpointSchema = z.object({
  id, run_id: id, step: z.int(), dir: z.string(), bytes: z.number(), sha256: z.string(), created_at: time,
  /** false once the limit on kept checkpoints has removed it */
  present: z.boolean(),
});
export type Checkpoint = z.output<typeof checkpointSchema>;

export const exportFormats = ['lora-kohya', 'lora-diffusers', 'full-diffusers', 'full-single'] as const;
export const exportSchema = z.object({
  id, run_id: id, step: z.int(), file: z.string(), format: z.string(), bytes: z.number(), sha256: z.string(), created_at: time,
  /** for downloads where there is no file manager */
  url: z.string(),
});
export type Export = z.output<typeof exportSchema>;

export const runDataMethods = {
  'metrics.names': method('Metrics that a run has recorded, with their number of points and last value.', z.strictObject({ run_id: id }), z.array(z.object({ name: z.string(), points: z.int(), last_step: z.int(), last: z.number() }))),
  'metrics.series': method(
    'Metrics of a run from step `from` to `to`. Longer series come as the smallest and largest value of each bucket (in step order), so peaks stay visible.',
    z.strictObject({ run_id: id, names: z.array(z.string().max(200)).min(1).max(64), from: z.number().min(0).default(0), to: z.number().nullable().default(null), max_points: z.int().min(10).max(20_000).default(1_000) }),
    z.array(seriesSchema),
  ),
  'samples.list': method('Sample pictures of a run, by step, prompt and seed.', z.strictObject({ run_id: id, step: z.int().optional() }), z.array(sampleSchema)),
  'checkpoints.list': method('Checkpoints of a run, newest first.', z.strictObject({ run_id: id }), z.array(checkpointSchema)),
  'exports.list': method('Files exported from a run, newest first.', z.strictObject({ run_id: id }), z.array(exportSchema)),
  'exports.create': method(
    'A job that writes a LoRA or a model from a checkpoint (the newest unless `step` is given) into the run\'s folder, or to `path`.',
    z.strictObject({ run_id: id, step: z.int().optional(), format: z.enum(exportFormats), ema: z.boolean().default(false), dtype: z.enum(['fp32', 'fp16', 'bf16']).default('fp16'), path: z.string().optional() }),
    startedJob,
  ),
};
