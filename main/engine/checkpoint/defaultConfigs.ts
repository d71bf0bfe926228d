/** Configurations of the released models that a single file does not carry; values as in their published config.json files. */
import type { ComponentConfig, ModelKind } from './keyMapping/original.ts';

const schedule = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000, prediction_type: 'epsilon', steps_offset: 1, timestep_spacing: 'leading', trained_betas: null };

/** scheduler_config.json of SDXL base 1.0 and SD 1.5. */
export function defaultScheduler(kind: ModelKind): ComponentConfig {
  return kind === 'sdxl'
    ? { _class_name: 'EulerDiscreteScheduler', ...schedule, interpolation_type: 'linear', use_karras_sigmas: false, rescale_betas_zero_snr: false }
    : { _class_name: 'PNDMScheduler', ...schedule, set_alpha_to_one: false, skip_prk_steps: true, clip_sample: false };
}

/** What the schedule of a single file deviates in: marks that v-prediction fine-tunes carry. */
export function schedulerOfSingleFile(kind: ModelKind, names: ReadonlySet<string>, metadata: Record<string, string>): ComponentConfig {
  const config = defaultScheduler(kind), type = metadata['modelspec.prediction_type'] ?? '';
  if (names.has('v_pred') || /^v(_|-|$)/.test(type)) config['prediction_type'] = 'v_prediction';
  if (names.has('ztsnr')) Object.assign(config, { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' });
  return config;
}
