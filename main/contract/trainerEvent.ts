/**
 * What a training process says. The same objects go into the journal (events.jsonl, one line each, numbered from 1)
 * and over IPC; the recorder ingests by number, so replaying is harmless.
 */
import { z } from 'zod';
import { appErrorSchema } from './errors.ts';

const base = { /** running number within the run, from 1; 0: said before there is a journal, or when it cannot be written */ n: z.int().min(0), /** milliseconds since 1970 */ at: z.number() };
const memory = z.object({ rss_mb: z.number(), peak_rss_mb: z.number(), tensors: z.int() });

export const exitReasons = ['finished', 'stopped', 'paused', 'out_of_memory', 'non_finite', 'killed', 'disk_full', 'bad_input', 'bug'] as const;

export const trainerEventSchema = z.discriminatedUnion('type', [
  z.object({ ...base, type: z.literal('started'), pid: z.int(), backend: z.string(), version: z.string(), device: z.string(), precision: z.string(), compiled: z.boolean(), resumed_from: z.int().nullable(), total_steps: z.int(), config_hash: z.string() }),
  z.object({ ...base, type: z.literal('stage'), /** loading_weights, caching_latents, compiling, training, sampling, saving … */ stage: z.string(), text: z.string(), done: z.number(), total: z.number(), eta_s: z.number().nullable() }),
  z.object({ ...base, type: z.literal('step'), step: z.int(), /** metric name -> value: loss, diffusion_loss, lpl_loss, lr, grad_norm, lpl/layer_0 … */ metrics: z.record(z.string(), z.number()), seconds: z.number(), images_per_s: z.number(), eta_s: z.number().nullable(), memory }),
  z.object({ ...base, type: z.literal('validation'), step: z.int(), metrics: z.record(z.string(), z.number()) }),
  z.object({ ...base, type: z.literal('sample'), step: z.int(), /** relative to the run folder */ file: z.string(), prompt: z.string(), negative_prompt: z.string(), prompt_index: z.int(), seed: z.int(), ema: z.boolean(), width: z.int(), height: z.int(), sha256: z.string() }),
  z.object({ ...base, type: z.literal('prompts'), /** those drawn from here on */ prompts: z.array(z.string()), negative_prompt: z.string() }),
  z.object({ ...base, type: z.literal('checkpoint'), step: z.int(), dir: z.string(), bytes: z.number(), sha256: z.string(), removed: z.array(z.string()) }),
  z.object({ ...base, type: z.literal('export'), step: z.int(), file: z.string(), format: z.string(), bytes: z.number(), sha256: z.string() }),
  z.object({ ...base, type: z.literal('excluded'), item: z.string(), reason: z.string() }),
  z.object({ ...base, type: z.literal('warning'), code: z.string(), message: z.string() }),
  z.object({ ...base, type: z.literal('finished'), reason: z.enum(['finished', 'stopped', 'paused']), step: z.int(), seconds: z.number() }),
  z.object({ ...base, type: z.literal('failed'), reason: z.enum(exitReasons), step: z.int(), error: appErrorSchema, last_checkpoint: z.string().nullable() }),
]);
export type TrainerEvent = z.output<typeof trainerEventSchema>;
type WithoutEnvelope<T> = T extends unknown ? Omit<T, 'n' | 'at'> : never;
/** An event before the journal has numbered and dated it. */
export type TrainerEventBody = WithoutEnvelope<TrainerEvent>;

/** What the supervisor tells a training process. */
export const trainerCommandSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('stop'), /** save a checkpoint first */ save: z.boolean() }),
  z.object({ type: z.literal('pause') }),
  z.object({ type: z.literal('sample_now') }),
  z.object({ type: z.literal('set_prompts'), prompts: z.array(z.string().max(10_000)).max(64), negative_prompt: z.string().max(10_000) }),
]);
export type TrainerCommand = z.output<typeof trainerCommandSchema>;
