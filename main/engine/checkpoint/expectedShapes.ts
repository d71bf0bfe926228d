/** The weights that a component's config.json asks for, in tfjs layout. */
import { clipWeightShapes, parseClipConfig } from '../models/clip.ts';
import { parseUnetConfig, unetWeightShapes } from '../models/unet.ts';
import { parseVaeConfig, vaeWeightShapes } from '../models/vae.ts';
import type { WeightShapes } from '../models/weightShapes.ts';
import type { ComponentConfig, ComponentName } from './keyMapping/original.ts';

/** Throws model.unsupported or model.config_invalid for configs that the engine cannot compute. */
export function expectedShapes(component: ComponentName, config: ComponentConfig): WeightShapes {
  if (component === 'unet') return unetWeightShapes(parseUnetConfig(config));
  if (component === 'vae') return vaeWeightShapes(parseVaeConfig(config));
  return clipWeightShapes(parseClipConfig(config));
}
