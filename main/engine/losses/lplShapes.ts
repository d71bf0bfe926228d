/** Shapes of the LPL targets, so that steps can be defined before any target is computed. */
import { vaeFactor, type VaeConfig } from '../models/vae.ts';
import { comparesImages, layerCount, type LplOptions } from './lplOptions.ts';
import { lplTargetNames } from './latentPerceptualLoss.ts';

/** [H,W,C] of each compared layer for latents of h × w: mid block, then up blocks, each doubling the size but the last. */
export function lplLayerShapes(o: LplOptions, vae: VaeConfig, h: number, w: number): [number, number, number][] {
  const channels = vae.block_out_channels.toReversed(), factor = vaeFactor(vae);
  if (comparesImages(o)) return [[h * factor, w * factor, vae.out_channels]];
  return Array.from({ length: layerCount(o) }, (_, i) => {
    const scale = i === 0 ? 1 : Math.min(2 ** i, factor);
    return [h * scale, w * scale, channels[Math.max(0, i - 1)]!];
  });
}

/** Shape of each of `lplTargets`' tensors for n latents of h × w, by name. */
export function lplTargetShapes(o: LplOptions, vae: VaeConfig, n: number, h: number, w: number): Record<string, number[]> {
  const layers = lplLayerShapes(o, vae, h, w);
  const shape = (name: string): number[] => {
    if (name === 'stats') return [n, layers.length, 3];
    const [, kind, index] = /^(\w+)_(\d+)$/.exec(name)!;
    const [H, W, C] = layers[Number(index)]!;
    if (kind === 'target' || kind === 'weight') return [n, H, W, C];
    return kind === 'scale' && o.norm_type === 'shared' ? [n, H, W, 1] : [n, 1, 1, C];
  };
  return Object.fromEntries(lplTargetNames(o).map((name) => [name, shape(name)]));
}
