/** The models a run can start from: diffusers folders and .safetensors files, where they lie, and what is in them. */
import { z } from 'zod';
import { done, id, method, nothing, time } from './method.ts';

/** What to do with a pickle, and why it is left alone. */
export const insteadOfPickle = 'Most models are published as .safetensors too: take that file. Else convert it in a program that you trust it to: “Checkpoint Merger” of A1111 (no interpolation, safetensors), or ComfyUI’s nodes “Load Checkpoint” and “Save Checkpoint”.';
export const whyNoPickle = `A Python pickle: opening it could run any program hidden in it, so it is never opened. ${insteadOfPickle}`;

export const modelComponentSchema = z.object({
  /** unet, vae, text_encoder, text_encoder_2, tokenizer, tokenizer_2, scheduler, lora */
  name: z.string(),
  present: z.boolean(),
  files: z.array(z.string()),
  bytes: z.number(),
  parameters: z.number(),
  dtype: z.string().nullable(),
});

export const modelSchema = z.object({
  id,
  name: z.string(),
  path: z.string(),
  kind: z.enum(['diffusers', 'single_file', 'lora', 'vae']),
  /** sdxl, sdxl_refiner, sd15, sd21, tiny, unknown */
  architecture: z.string(),
  architecture_title: z.string(),
  latent_channels: z.int().nullable(),
  /** native side in pixels */
  resolution: z.int().nullable(),
  prediction_type: z.string().nullable(),
  components: z.array(modelComponentSchema),
  /** what is missing or unusable, each as a sentence with what to do */
  problems: z.array(z.string()),
  bytes: z.number(),
  /** SHA-256 over the weights files (of each file's hash for folders); null until hashed */
  sha256: z.string().nullable(),
  /** comes with the app */
  builtin: z.boolean(),
  /** the files are still where they were */
  available: z.boolean(),
  added_at: time,
});
export type Model = z.output<typeof modelSchema>;

/** The id of a model that comes with the app, from its folder's name. */
export const builtinModelId = (name: string): string => `builtin-${name}`;
/**
 * At the paper's weight of 1 LPL is 0.3 % of the built-in model's loss (3e-4 beside 0.13, measured on held-out pictures), and training with it comes
 * out all but identical. At 50 it is a tenth.
 */
export const builtinLplWeight = 50;
/** Settings that suit a model, by their path in the run configuration: they hold where nobody chose others. */
export const modelAdvice = ({ builtin, resolution }: Pick<Model, 'builtin' | 'resolution'>): Record<string, number> =>
  ({ ...(resolution ? { 'data.resolution': resolution } : {}), ...(builtin ? { 'lpl.lpl_weight': builtinLplWeight } : {}) });
/** A whole model, not a LoRA or a VAE. */
export const isWhole = ({ kind }: Pick<Model, 'kind'>): boolean => kind === 'diffusers' || kind === 'single_file';
/** Training can start from it: whole, its files there and complete. */
export const canTrain = (m: Pick<Model, 'kind' | 'available' | 'problems'>): boolean => isWhole(m) && m.available && m.problems.length === 0;
/** The model that training most likely starts from: the newest added one that can be trained, else the built-in one. `models`: as models.list has them. */
export const likelyModel = (models: readonly Model[]): Model | undefined => {
  const usable = models.filter(canTrain);
  return usable.find((m) => !m.builtin) ?? usable[0];
};

export const modelMethods = {
  'models.list': method('All models, built-in first.', nothing, z.array(modelSchema)),
  'models.add': method('Adds a diffusers folder or a .safetensors file by path. Pickles are refused, with the reason.', z.strictObject({ path: z.string().min(1), name: z.string().trim().max(200).optional() }), modelSchema),
  'models.inspect': method('What a path holds, without adding it.', z.strictObject({ path: z.string().min(1) }), modelSchema.omit({ id: true, added_at: true })),
  'models.get': method('One model.', z.strictObject({ id }), modelSchema),
  'models.rename': method('Renames a model in the list; files stay as they are.', z.strictObject({ id, name: z.string().trim().min(1).max(200) }), modelSchema),
  'models.refresh': method('Looks at the files again and hashes them.', z.strictObject({ id }), modelSchema),
  'models.remove': method('Takes a model off the list; its files stay.', z.strictObject({ id }), done),
};
