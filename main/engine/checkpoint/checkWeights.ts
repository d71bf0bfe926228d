/** Compares the weights a file has with those its architecture needs: by name and by shape. */
import { AppError } from '../../contract/errors.ts';
import { isFloat } from './dtype.ts';
import { someOf } from './errors.ts';
import { torchShape } from './layout.ts';
import type { ComponentName, ComponentSource } from './modelSource.ts';
import type { StoredWeight } from './readWeight.ts';

export interface WeightProblems { missing: string[]; extra: string[]; misshapen: string[]; /** stored in a format that weights do not have */ formats: string[] }

const withoutOnes = (shape: number[]): string => `${shape.slice(0, 2)},${shape.slice(2).filter((n) => n !== 1)}`;

/** The weights with the shapes that the model expects: a 1×1 convolution and a linear map hold the same numbers. */
function reshaped(w: StoredWeight, expected: number[]): StoredWeight | undefined {
  if (`${w.shape}` === `${expected}`) return w;
  return w.shape.length >= 2 && withoutOnes(w.shape) === withoutOnes(expected) ? { ...w, shape: expected } : undefined;
}

/** `expected`: shapes in tfjs layout, as the models list them. Returns the component with every weight in its expected shape. */
export function fitWeights(component: ComponentSource, expected: Record<string, number[]>): { weights: Map<string, StoredWeight>; problems: WeightProblems } {
  const weights = new Map<string, StoredWeight>(), problems: WeightProblems = { missing: [], extra: [], misshapen: [], formats: [] };
  for (const [name, tfjs] of Object.entries(expected)) {
    const w = component.weights.get(name), shape = torchShape(name, tfjs), fitted = w && reshaped(w, shape);
    if (!w) problems.missing.push(name);
    else if (!fitted) problems.misshapen.push(`${name} is [${w.shape.join(', ')}] instead of [${shape.join(', ')}]`);
    else if (!isFloat(w.dtype)) problems.formats.push(`${name} is ${w.dtype}`);
    else weights.set(name, fitted);
  }
  problems.extra = [...component.weights.keys()].filter((name) => !Object.hasOwn(expected, name));
  return { weights, problems };
}

/** Components as people call them. */
export const componentTitles: Record<ComponentName, string> = { unet: 'UNet', vae: 'VAE', text_encoder: 'text encoder', text_encoder_2: 'second text encoder' };
const weightsOf = (list: string[]): string => (list.length === 1 ? 'a weight' : `${list.length} weights`);

/** Throws model.missing_tensors, model.misshapen_tensors, model.wrong_dtype or model.extra_tensors, naming them. */
export function checkProblems(path: string, component: ComponentName, { missing, extra, misshapen, formats }: WeightProblems): void {
  const where = { path, component, missing, extra, misshapen, formats }, title = componentTitles[component];
  if (missing.length) throw new AppError('model.missing_tensors', `${path}: the ${title} lacks ${weightsOf(missing)}: ${someOf(missing)}.`,
    'The file is incomplete, or belongs to another architecture than its config says. Use the model as it was published.', where);
  if (misshapen.length) throw new AppError('model.misshapen_tensors', `${path}: the ${title} has ${weightsOf(misshapen)} of the wrong shape: ${someOf(misshapen, 4)}.`,
    'The config.json and the weights belong to different models. Use both from the same download.', where);
  if (formats.length) throw new AppError('model.wrong_dtype', `${path}: the ${title} has ${weightsOf(formats)} not stored as floating-point numbers of 16 bits or more: ${someOf(formats, 4)}.`,
    'Quantised models (8 bits and fewer) cannot be trained on. Use the model in float16, bfloat16 or float32.', where);
  if (extra.length) throw new AppError('model.extra_tensors', `${path}: the ${title} has ${weightsOf(extra)} that its architecture does not know: ${someOf(extra)}.`,
    'The config.json and the weights belong to different models, or a merge went wrong. Use the model as it was published.', where);
}
