/** Checking a model's config.json against what the engine can compute. */
import type { z } from 'zod';
import { AppError } from '../../contract/errors.ts';

/**
 * Parses `json` as the config of `className`. Throws an AppError when the file says it is another class (SD3's or
 * Flux's networks, for instance) or when a field has a value that the engine does not implement.
 */
export function parseModelConfig<S extends z.ZodType>(className: string, schema: S, json: unknown): z.output<S> {
  const declared = (json as { _class_name?: unknown } | null)?._class_name;
  if (typeof declared === 'string' && declared !== className) {
    throw new AppError('model.unsupported', `This model's network is a ${declared}, which is not supported yet; ${className} is expected.`,
      'Choose an SDXL or Stable Diffusion 1.5 family model. SD3, Flux and other transformer models are not supported yet.', { declared, expected: className });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map((i) => `${i.path.join('.') || className}: ${i.message}`);
  throw new AppError('model.config_invalid', `The ${className} config has values that are not supported: ${problems.join('; ')}`,
    'Check the config.json beside the weights, or choose another model of the SDXL or SD 1.5 family.', { problems });
}
