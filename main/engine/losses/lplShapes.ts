/** Shapes of the LPL targets, so that steps can be defined before any target is computed. */
import { vaeFactor, type VaeConfig } from '../models/vae.ts';
import { lplTargetNames } from './latentPerceptualLoss.ts';
import { comparesImages, layerCount, outlierDownFactor, type LplOptions } from './lplOptions.ts';

type Side = [height: number, width: number, channels: number];

/** [H,W,C] of each compared layer for latents of h × w: mid block, then up blocks, each doubling the size but the last. */
export function lplLayerShapes(o: LplOptions, vae: VaeConfig, h: number, w: number): Side[] {
  const channels = vae.block_out_channels.toReversed(), factor = vaeFactor(vae);
  if (comparesImages(o)) return [[h * factor, w * factor, vae.out_channels]];
  return Array.from({ length: layerCount(o) }, (_, i) => {
    const scale = Math.min(2 ** i, factor);
    return [h * scale, w * scale, channels[Math.max(0, i - 1)]!];
  });
}

/** The weight of a layer's distance: full where it holds a mask, else as wide as its normaliser. */
function weightShape(o: LplOptions, layer: number, [H, W, C]: Side): number[] {
  if (outlierDownFactor(o, layer) !== undefined) return [H, W, C];
  if (comparesImages(o)) return [1, 1, 1];
  return { default: [1, 1, 1], batch: [1, 1, 1], shared: [H, W, 1], standardize: [1, 1, C] }[o.norm_type];
}

/** Shape of each of `lplTargets`' tensors for one latent of h × w, without the batch axis, by name. */
export function lplTargetShapes(o: LplOptions, vae: VaeConfig, h: number, w: number): Record<string, number[]> {
  const layers = lplLayerShapes(o, vae, h, w);
  const shape = (name: string): number[] => {
    if (name === 'stats') return [layers.length, 3];
    const [, kind, index] = /^(\w+)_(\d+)$/.exec(name)!, side = layers[Number(index)]!;
    return kind === 'target' ? side : weightShape(o, Number(index), side);
  };
  return Object.fromEntries(lplTargetNames(o).map((name) => [name, shape(name)]));
}
