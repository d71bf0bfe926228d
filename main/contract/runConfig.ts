/**
 * The run configuration: everything that decides what a training run does, with defaults, ranges, units and help.
 * Keys are those of diffusers' and kohya's training scripts where these have one.
 */
import { z } from 'zod';
import { dataFields, diffusionFields, lplFields, methodFields, modelFields } from './runConfigModel.ts';
import { optimizerFields, sampleFields, trainingFields, validationFields } from './runConfigTraining.ts';
import { fieldsOf, type FieldInfo } from './field.ts';

const group = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);

export const runConfigSchema = z.strictObject({
  model: group(modelFields),
  data: group(dataFields),
  method: group(methodFields),
  lpl: group(lplFields),
  diffusion: group(diffusionFields),
  optimizer: group(optimizerFields),
  training: group(trainingFields),
  samples: group(sampleFields),
  validation: group(validationFields),
});
export type RunConfig = z.output<typeof runConfigSchema>;
export type RunConfigInput = z.input<typeof runConfigSchema>;

/** All fields with their help, in form order. */
export const runConfigFields: FieldInfo[] = fieldsOf(runConfigSchema);

export const groupTitles: Record<keyof RunConfig, string> = {
  model: 'Base model', data: 'Data', method: 'What is trained', lpl: 'Latent Perceptual Loss', diffusion: 'Diffusion loss',
  optimizer: 'Optimizer', training: 'Training', samples: 'Sample pictures', validation: 'Validation',
};

/** A configuration with every default filled in. */
export const defaultRunConfig = (): RunConfig => runConfigSchema.parse({});
