/** A checkpoint's trained weights, as what can be exported or drawn with: a LoRA, or new values of the UNet's weights. */
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { LoraComponent, LoraLayer, LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import { readGroup } from '../run/checkpointFiles.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import { downName, emaName, upName } from './trainables.ts';

const placeSchema = z.object({ component: z.enum(['unet', 'text_encoder', 'text_encoder_2']), layer: z.string(), rank: z.number(), alpha: z.number() });
export type TrainedWeights = { kind: 'lora'; lora: LoraWeights } | { kind: 'full'; /** by UNet weight name, tfjs layout */ unet: Map<string, Float32Array> };

/** Whether the checkpoint is a LoRA's; otherwise it holds all weights of a UNet. */
export const isLora = ({ manifest }: FoundCheckpoint): boolean => Array.isArray(manifest.state['lora']);

/** The checkpoint's file of weights, or of their EMA. Throws checkpoint.no_ema. */
function groupOf({ dir, manifest }: FoundCheckpoint, ema: boolean): string {
  const group = ema ? 'ema' : 'weights';
  if (!manifest.files[`${group}.safetensors`]) throw new AppError('checkpoint.no_ema', `The checkpoint ${dir} has no EMA weights.`, 'Take the plain weights, or train with EMA.', { dir });
  return group;
}

const unetName = (stored: string): string => stored.replace(/^(ema\.)?unet\./, '');

/** Gives a fully trained UNet's weights to `use`, one at a time. Throws checkpoint.no_ema. */
export async function writeTrained(found: FoundCheckpoint, ema: boolean, use: (name: string, values: Float32Array) => void): Promise<void> {
  await readGroup(found.dir, groupOf(found, ema), (stored, _shape, values) => use(unetName(stored), values));
}

/** Reads them, or their EMA. Throws checkpoint.no_ema, checkpoint.damaged. */
export async function trainedWeights(found: FoundCheckpoint, ema: boolean): Promise<TrainedWeights> {
  const { dir, manifest } = found, group = groupOf(found, ema);
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  await readGroup(dir, group, (name, shape, data) => { tensors.set(name, { shape, data }); });
  const get = (name: string): { shape: number[]; data: Float32Array } => {
    const t = tensors.get(ema ? emaName(name) : name);
    if (!t) throw new AppError('checkpoint.damaged', `The checkpoint ${dir} lacks ${name}.`, 'Choose another checkpoint.', { dir, name });
    return t;
  };
  const places = z.array(placeSchema).nullable().parse(manifest.state['lora'] ?? null);
  if (!places) return { kind: 'full', unet: new Map([...tensors].map(([name, t]) => [unetName(name), t.data])) };
  const layers = new Map<LoraComponent, Map<string, LoraLayer>>();
  for (const { component, layer, alpha } of places) {
    const own = layers.get(component) ?? new Map<string, LoraLayer>();
    layers.set(component, own.set(layer, { down: get(downName(component, layer)), up: get(upName(component, layer)), alpha }));
  }
  return { kind: 'lora', lora: { rank: places[0]!.rank, alpha: places[0]!.alpha, layers, metadata: {} } };
}
