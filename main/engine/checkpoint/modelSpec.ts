/** modelspec.* metadata (github.com/Stability-AI/ModelSpec): what a file says of itself to web UIs. */
import type { ModelKind } from './keyMapping/original.ts';

export interface FileDescription {
  kind: ModelKind;
  title: string;
  resolution: [width: number, height: number];
  predictionType?: 'epsilon' | 'v_prediction' | 'sample' | undefined;
  author?: string | undefined;
  description?: string | undefined;
  /** ISO 8601 */
  date: string;
}

export const architectures: Record<ModelKind, string> = { sdxl: 'stable-diffusion-xl-v1-base', sd15: 'stable-diffusion-v1' };

/** modelspec.* of a model or, with `lora`, of a LoRA. */
export function modelSpec(d: FileDescription, implementation: string, lora: boolean): Record<string, string> {
  const optional = { 'modelspec.author': d.author, 'modelspec.description': d.description };
  return {
    'modelspec.sai_model_spec': '1.0.0', 'modelspec.architecture': architectures[d.kind] + (lora ? '/lora' : ''), 'modelspec.implementation': implementation,
    'modelspec.title': d.title, 'modelspec.resolution': d.resolution.join('x'), 'modelspec.date': d.date,
    'modelspec.prediction_type': d.predictionType === 'v_prediction' ? 'v' : 'epsilon',
    ...Object.fromEntries(Object.entries(optional).filter(([, v]) => v !== undefined)) as Record<string, string>,
  };
}
