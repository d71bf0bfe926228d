/**
 * What an evaluation of one run at one checkpoint measures. Written by the engine into the run's folder as
 * evaluation/step-N/evaluation.json, read by comparisons; pictures lie beside it.
 */
import { z } from 'zod';
import { runConfigSchema } from './runConfig.ts';

export const featureSpaceSchema = z.object({
  /** "eye", "onnx", "vae-encoder" */
  id: z.string(),
  /** as reports name it */
  title: z.string(),
  /** of the weights that compute the features */
  sha256: z.string(),
  dimensions: z.int(),
});

export const evaluatedPictureSchema = z.object({
  prompt: z.string(), prompt_index: z.int(), seed: z.int(),
  /** relative to the evaluation's folder */
  file: z.string(),
  features: z.array(z.number()),
  /** cosine between picture and prompt in the feature space, null where it knows no text */
  agreement: z.number().nullable(),
});

export const reconstructionSchema = z.object({
  /** content hash of the validation picture */
  item: z.string(),
  timestep: z.int(),
  /** distance of decoder features between the true and the predicted clean latent */
  feature_distance: z.number(),
  /** mean squared error of the predicted noise */
  mse: z.number(),
});

/** What is measured and how much of it: equal for all arms of a comparison. */
export const evaluationOptionsSchema = z.strictObject({
  /** the run's sample prompts and, up to this many in all, captions of held-out pictures */
  prompts: z.int().min(1).max(10_000).default(24),
  /** pictures a prompt: the run's first sample seeds */
  seeds: z.int().min(1).max(64).default(2),
  /** held-out pictures that drawn ones are compared with */
  references: z.int().min(0).max(10_000).default(100),
  /** held-out pictures that are noised and reconstructed */
  reconstructions: z.int().min(0).max(10_000).default(32),
  /** to which timesteps they are noised */
  timesteps: z.array(z.int().min(0).max(999)).max(20).default([50, 100, 200]),
});
export type EvaluationOptions = z.output<typeof evaluationOptionsSchema>;

export const evaluationSchema = z.object({
  version: z.literal(1),
  step: z.int(),
  ema: z.boolean(),
  /** of the checkpoint's manifest */
  checkpoint_sha256: z.string(),
  options: evaluationOptionsSchema,
  config: runConfigSchema,
  /** SHA-256 over the trained weights: equal for bit-identical runs */
  weights_sha256: z.string(),
  base_model: z.object({ name: z.string(), sha256: z.string() }),
  dataset_hash: z.string(),
  engine: z.object({ backend: z.string(), version: z.string(), device: z.string(), precision: z.string() }),
  app_version: z.string(),
  feature_space: featureSpaceSchema,
  pictures: z.array(evaluatedPictureSchema),
  /** features of the held-out pictures, what the drawn ones are compared with */
  references: z.array(z.object({ item: z.string(), file: z.string(), features: z.array(z.number()) })),
  reconstructions: z.array(reconstructionSchema),
});
export type Evaluation = z.output<typeof evaluationSchema>;

/** Where evaluations lie in a run's folder. */
export const evaluationFolder = { root: 'evaluation', file: 'evaluation.json', step: (step: number): string => `step-${String(step).padStart(8, '0')}` } as const;

/** What an evaluation says while it works, one JSON line each with `lpl evaluate --json`. */
export const evaluationProgressSchema = z.object({ type: z.literal('progress'), text: z.string(), done: z.number(), total: z.number(), eta_s: z.number().nullable() });
export type EvaluationProgress = z.output<typeof evaluationProgressSchema>;
