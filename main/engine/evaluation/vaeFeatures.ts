/**
 * The base model's VAE encoder as feature space: its last states, averaged over positions. Made for reconstruction, not for
 * likeness as people see it, so reports name it.
 */
import type { RunConfig } from '../../contract/runConfig.ts';
import { createExecutor } from '../backend/select.ts';
import { isEncoderWeight } from '../data/encodeLatents.ts';
import { encoderStates } from '../models/vaeEncoder.ts';
import { loadComponent, type BaseModel } from '../run/baseModel.ts';
import { floatSpec } from '../run/specs.ts';
import { stateContext } from '../run/stateContext.ts';
import { tf } from '../tf.ts';
import type { FeatureSpace, FeatureSpaceInfo, SpaceParts } from './featureSpace.ts';
import { squarePixels } from './squarePixels.ts';

/** Pictures are looked at no larger than this, px. */
const LARGEST_SIDE = 256;

const sideOf = (base: BaseModel, config: RunConfig): number => Math.max(base.align, Math.floor(Math.min(LARGEST_SIDE, config.data.resolution) / base.align) * base.align);

export async function vaeFeaturesInfo(base: BaseModel, config: RunConfig): Promise<FeatureSpaceInfo> {
  const side = sideOf(base, config);
  return { id: 'vae-encoder', title: `the base model's VAE encoder, pooled, ${side} px`, sha256: await base.source.hash('vae'), dimensions: base.vae.block_out_channels.at(-1)! };
}

/** Features [C] of the encoder's last states. Knows no texts. */
export async function openVaeFeatures({ base, config }: SpaceParts): Promise<FeatureSpace> {
  const { backend, threads } = config.training, side = sideOf(base, config), shape = [1, side, side, 3];
  const executor = await createExecutor({ backend, threads, precision: 'fp32' });
  await loadComponent(executor, base.source, 'vae', { filter: isEncoderWeight });
  executor.define('features', { image: floatSpec(...shape) }, ({ image }, state) => ({
    outputs: { features: tf.mean(encoderStates(stateContext(state, 'vae'), base.vae, image!), [1, 2]) },
  }));
  return {
    info: await vaeFeaturesInfo(base, config),
    picture: async (pixels, size) => {
      const out = await executor.run('features', { image: { shape, data: await squarePixels(pixels, size, side) } });
      return { features: out['features']!.data as Float32Array, embedding: null };
    },
    text: () => Promise.resolve(null),
    dispose: () => executor.dispose(),
  };
}
