/** The demo: the model and the pictures that come with the app, fine-tuned with and without LPL in a few minutes. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../contract/errors.ts';
import { builtinLplWeight } from '../contract/models.ts';
import { runConfigSchema, type RunConfig } from '../contract/runConfig.ts';

/** Names of the models under `dir`, each a diffusers folder. */
export const builtinModels = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir).filter((n) => existsSync(join(dir, n, 'model_index.json'))).sort() : []);

/** The built-in model's name. Throws demo.no_model, demo.no_pictures where this copy of the app has none. */
export function demoModel(resources: string): string {
  const missing = (code: string, what: string): AppError => new AppError(code, `This copy of the app comes without ${what}.`, 'Download the app again, or choose a model and pictures of your own under "New run".', { resources });
  const name = builtinModels(join(resources, 'models'))[0];
  if (!name) throw missing('demo.no_model', 'its built-in model');
  if (!existsSync(demoPictures(resources))) throw missing('demo.no_pictures', 'the demo pictures');
  return name;
}

/** 240 pictures to train on, 60 held out. */
export const demoPictures = (resources: string): string => join(resources, 'demo', 'blobs');

/** A LoRA of the built-in model on the demo pictures: pictures at the start, in the middle and at the end, curves at eight points. Throws config's ZodError for a weight out of range. */
export function demoConfig(model: string, dataset: string, steps: number, lpl_weight = builtinLplWeight): RunConfig {
  return runConfigSchema.parse({
    model: { base: model }, data: { dataset, resolution: 64, buckets: false, latents: 'mean' }, method: { rank: 16, alpha: 16, targets: 'attention+ff+conv' },
    lpl: { lpl_weight, lpl_t_threshold: 200, lpl_stratified: true }, optimizer: { learning_rate: 1e-3 },
    training: { max_train_steps: steps, train_batch_size: 4, seed: 1, checkpointing_steps: steps, checkpoints_total_limit: 1 },
    samples: { prompts: ['blob emoji of a cat', 'blob emoji of a red heart', 'blob emoji of a frog', 'blob emoji of a grinning face'], seeds: [1, 2], sample_every: Math.ceil(steps / 2), num_inference_steps: 20, guidance_scale: 4 },
    validation: { validation_every: Math.max(1, Math.round(steps / 8)), validation_images: 24, validation_bins: 8 },
  });
}
