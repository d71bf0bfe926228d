/** `lpl sample`: pictures from a model, with a LoRA or a run's checkpoint. */
import { AppError } from '../contract/errors.ts';
import { sampleFields, trainingFields } from '../contract/runConfigTraining.ts';
import { drawPictures } from '../engine/sampling/drawPictures.ts';
import { namedModel } from '../services/namedModel.ts';
import type { Action } from './command.ts';

/** A flag's value checked as the run configuration's field of the same meaning. */
function checked<T>(flag: string, schema: { safeParse(v: unknown): { success: true; data: T } | { success: false; error: { issues: { message: string }[] } } }, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError('cli.bad_flag', `--${flag} "${String(value)}": ${parsed.error.issues[0]!.message}`, 'See "lpl sample --help".', { flag });
}

function strengthOf(value: unknown): number {
  const strength = Number(value);
  if (strength > 0 && strength <= 1) return strength;
  throw new AppError('cli.bad_flag', `--strength "${String(value)}" is not a number above 0 and up to 1.`, '0.3 keeps most of the picture, 1 keeps nothing of it.', { flag: 'strength' });
}

export const sample: Action = async (output, _args, o) => {
  const text = (name: string): string | undefined => o[name] as string | undefined;
  if (!text('model') && !text('run')) throw new AppError('cli.missing_option', 'Neither a model nor a run was given.', 'Add --model PATH or --run FOLDER.');
  const seeds = checked('seeds', sampleFields.seeds, String(o['seeds']).split(',').map(Number));
  const pictures = drawPictures({
    model: text('model') && await namedModel(text('model')!), run: text('run') ? { dir: text('run')!, checkpoint: text('checkpoint')!, ema: o['ema'] === true } : undefined,
    lora: text('lora') ? { file: text('lora')!, strength: Number(o['lora_scale']) } : undefined,
    prompts: o['prompt'] as string[], negative_prompt: String(o['negative_prompt']), seeds,
    image: text('image') ? { file: text('image')!, strength: strengthOf(o['strength']) } : undefined,
    options: {
      sampler: checked('sampler', sampleFields.sampler, o['sampler']), num_inference_steps: checked('num_inference_steps', sampleFields.num_inference_steps, o['num_inference_steps']),
      guidance_scale: checked('guidance_scale', sampleFields.guidance_scale, o['guidance_scale']), guidance_rescale: checked('guidance_rescale', sampleFields.guidance_rescale, o['guidance_rescale']),
    },
    width: o['width'] as number | undefined, height: o['height'] as number | undefined, outputDir: text('output_dir')!,
    precision: checked('precision', trainingFields.precision, o['precision']), backend: checked('backend', trainingFields.backend, o['backend']),
    onProgress: (label, done, total) => output.progress(label, done, total),
  });
  for await (const picture of pictures) {
    output.data({ type: 'sample', ...picture });
    output.result(picture.file);
  }
};
