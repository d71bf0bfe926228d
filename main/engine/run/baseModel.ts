/** The base model of a run: opened, checked, and its configs parsed, before any time is spent. */
import { AppError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor, StorageDtype } from '../backend/executor.ts';
import { openModel } from '../checkpoint/openModel.ts';
import type { ComponentName, ModelSource } from '../checkpoint/modelSource.ts';
import { noiseScheduleOf, type NoiseScheduleConfig } from '../diffusion/noiseSchedule.ts';
import type { PredictionType } from '../diffusion/prediction.ts';
import { parseUnetConfig, type UnetConfig } from '../models/unet.ts';
import { parseVaeConfig, vaeFactor, type VaeConfig } from '../models/vae.ts';

export interface BaseModel {
  source: ModelSource;
  unet: UnetConfig;
  vae: VaeConfig;
  /** sides of pictures must be multiples of this, px */
  align: number;
  schedule: NoiseScheduleConfig;
  predictionType: PredictionType;
}

type ModelOptions = Pick<RunConfig, 'model' | 'diffusion'>;

/** Opens the model. Throws model.*, file.*; config.zero_snr_epsilon. The caller closes `source`. */
export async function openBaseModel({ model, diffusion }: ModelOptions): Promise<BaseModel> {
  if (!model.base) throw new AppError('model.none_chosen', 'The run names no base model.', 'Choose a diffusers folder or a single .safetensors file as the base model.');
  const source = await openModel(model.base, { vae: model.vae ?? undefined });
  try {
    const unet = parseUnetConfig(source.config('unet')), vae = parseVaeConfig(source.config('vae'));
    const predictionType = diffusion.prediction_type === 'auto' ? ((source.scheduler['prediction_type'] as PredictionType | undefined) ?? 'epsilon') : diffusion.prediction_type;
    if (diffusion.zero_terminal_snr && predictionType === 'epsilon') {
      throw new AppError('config.zero_snr_epsilon', 'Zero terminal SNR needs a model that predicts velocity: at pure noise, predicting the noise teaches nothing.', 'Turn "Zero terminal SNR" off, or set the prediction type to v_prediction.');
    }
    return { source, unet, vae, predictionType, align: vaeFactor(vae), schedule: noiseScheduleOf(source.scheduler, diffusion.zero_terminal_snr) };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The executor's name of a component's weight. */
export const variableName = (component: ComponentName, weight: string): string => `${component}.${weight}`;

export interface LoadOptions { dtype?: StorageDtype; /** only weights whose name passes */ filter?: (weight: string) => boolean; onProgress?: (done: number, total: number) => void }

/** Declares the weights of all text encoders that the model has. */
export async function loadTextEncoders(executor: Executor, source: ModelSource, options: LoadOptions = {}): Promise<void> {
  for (const name of ['text_encoder', 'text_encoder_2'] as const) if (source.has(name)) await loadComponent(executor, source, name, options);
}

/** Declares a component's weights in the executor, one at a time. Throws model.nan_weights, model.damaged. */
export async function loadComponent(executor: Executor, source: ModelSource, component: ComponentName, { dtype = 'float32', filter = () => true, onProgress }: LoadOptions = {}): Promise<void> {
  const names = [...source.weights(component).keys()].filter(filter);
  for (const [index, name] of names.entries()) {
    const { shape, data } = await source.read(component, name);
    executor.declare(variableName(component, name), { shape, dtype }, data);
    onProgress?.(index + 1, names.length);
  }
}
