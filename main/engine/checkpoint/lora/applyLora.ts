/** A LoRA and its base model: do they fit, and merged into one. */
import { AppError } from '../../../contract/errors.ts';
import { someOf } from '../errors.ts';
import type { ModelSource } from '../modelSource.ts';
import { tfjsShape } from '../layout.ts';
import type { WeightOverride } from '../writeModel.ts';
import { loraDelta, rankOf, scaleOf, type LoraLayer, type LoraMatrix, type LoraWeights } from './loraWeights.ts';

const product = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);

/** The layer in the form its weight asks for (a 1×1 convolution and a linear map are the same numbers), or undefined where sizes differ. */
export function fitLayer(layer: LoraLayer, weight: number[]): LoraLayer | undefined {
  const rank = rankOf(layer), out = weight.at(-1)!, rows = product(weight.slice(0, -1));
  if (layer.down.data.length !== rows * rank || layer.up.data.length !== rank * out) return undefined;
  const kernel = weight.slice(0, -2), down: LoraMatrix = { shape: [...weight.slice(0, -1), rank], data: layer.down.data };
  return { ...layer, down, up: { shape: [...kernel.map(() => 1), rank, out], data: layer.up.data } };
}

/** The LoRA in the shapes of `source`'s layers. Throws lora.wrong_base naming layers that the model does not have. */
export function fitLora(lora: LoraWeights, source: ModelSource): LoraWeights {
  const wrong: string[] = [], layers: LoraWeights['layers'] = new Map();
  for (const [component, own] of lora.layers) {
    const fitted = new Map<string, LoraLayer>();
    for (const [name, layer] of own) {
      const w = source.has(component) ? source.weights(component).get(`${name}.weight`) : undefined, fit = w && fitLayer(layer, tfjsShape(w.name, w.shape));
      if (fit) fitted.set(name, fit);
      else wrong.push(`${component}/${name}`);
    }
    layers.set(component, fitted);
  }
  if (wrong.length) throw new AppError('lora.wrong_base', `The LoRA was made for another model: ${wrong.length} of its layers do not fit ${source.path}: ${someOf(wrong, 4)}.`,
    'Choose the base model it was trained on (SDXL and SD 1.5 LoRAs do not mix).', { path: source.path, layers: wrong });
  return { ...lora, layers };
}

/** Weights of `source` with `strength` times the LoRA added, for writeFolder and writeSingleFile. Throws lora.wrong_base. */
export function mergedWeights(source: ModelSource, lora: LoraWeights, strength = 1): WeightOverride {
  const fitted = fitLora(lora, source);
  return async (component, name) => {
    const layer = component === 'vae' || !name.endsWith('.weight') ? undefined : fitted.layers.get(component)?.get(name.slice(0, -'.weight'.length));
    if (!layer || strength === 0) return undefined;
    const { data } = await source.read(component, name), delta = loraDelta(layer, strength * scaleOf(layer));
    const merged = new Float32Array(data.length);
    for (let i = 0; i < merged.length; i++) merged[i] = data[i]! + delta[i]!;
    return merged;
  };
}
