/** A checkpoint's trained weights, as what can be exported or drawn with: a LoRA, or new values of the UNet's weights. */
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { LoraComponent, LoraLayer, LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import { readGroup } from '../run/checkpointFiles.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import { downName, emaName, upName } from './trainables.ts';

const placeSchema = z.object({ component: z.enum(['unet', 'text_encoder', 'text_encoder_2']), layer: z.string(), rank: z.number(), alpha: z.number() });
export type TrainedWeights = { kind: 'lora'; lora: LoraWeights } | { kind: 'full'; /** by UNet weight name, tfjs layout */ unet: Map<string, Float32Array> };

/** Reads them, or their EMA. Throws checkpoint.no_ema, checkpoint.damaged. */
export async function trainedWeights({ dir, manifest }: FoundCheckpoint, ema: boolean): Promise<TrainedWeights> {
  const group = ema ? 'ema' : 'weights';
  if (!manifest.files[`${group}.safetensors`]) throw new AppError('checkpoint.no_ema', `The checkpoint ${dir} has no EMA weights.`, 'Take the plain weights, or train with EMA.', { dir });
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  await readGroup(dir, group, (name, shape, data) => { tensors.set(name, { shape, data }); });
  const get = (name: string): { shape: number[]; data: Float32Array } => {
    const t = tensors.get(ema ? emaName(name) : name);
    if (!t) throw new AppError('checkpoint.damaged', `The checkpoint ${dir} lacks ${name}.`, 'Choose another checkpoint.', { dir, name });
    return t;
  };
  const places = z.array(placeSchema).nullable().parse(manifest.state['lora'] ?? null);
  if (!places) return { kind: 'full', unet: new Map([...tensors].map(([name, t]) => [name.replace(ema ? /^ema\.unet\./ : /^unet\./, ''), t.data])) };
  const layers = new Map<LoraComponent, Map<string, LoraLayer>>();
  for (const { component, layer, alpha } of places) {
    const own = layers.get(component) ?? new Map<string, LoraLayer>();
    layers.set(component, own.set(layer, { down: get(downName(component, layer)), up: get(upName(component, layer)), alpha }));
  }
  return { kind: 'lora', lora: { rank: places[0]!.rank, alpha: places[0]!.alpha, layers, metadata: {} } };
}
