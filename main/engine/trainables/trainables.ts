/**
 * What a run trains: all weights of the UNet, or low-rank changes of chosen layers of UNet and text encoders, as executor variables
 * with their EMA shadows.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor, State } from '../backend/executor.ts';
import { sizeOf } from '../backend/stepCheck.ts';
import type { ComponentName, ModelSource } from '../checkpoint/modelSource.ts';
import { expectedShapes } from '../checkpoint/expectedShapes.ts';
import { fitLora } from '../checkpoint/lora/applyLora.ts';
import { readLora } from '../checkpoint/lora/readLora.ts';
import { rankOf, type LoraComponent, type LoraLayer, type LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import type { Adapter, ModelContext } from '../models/context.ts';
import { variableName } from '../run/baseModel.ts';
import { initialDown, loraLayers, loraShapes } from './loraTargets.ts';

/** One tensor on top of the base model and its start value (null: the base model's own, already in the executor). `frozen`: kept and applied, not trained. */
export interface Trainable { name: string; shape: number[]; init: (() => Float32Array | 'zeros') | null; frozen?: boolean }
export interface LoraPlace { component: LoraComponent; layer: string; rank: number; alpha: number }
export interface Trainables { list: Trainable[]; /** null: all weights */ lora: LoraPlace[] | null }

/** How many numbers are trained. */
export const trainedValues = ({ list }: Trainables): number => list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

export const downName = (component: ComponentName, layer: string): string => `lora.${component}.${layer}.down`;
export const upName = (component: ComponentName, layer: string): string => `lora.${component}.${layer}.up`;
export const emaName = (trainable: string): string => `ema.${trainable}`;

/** Plans what is trained. Throws config.*, lora.* (a LoRA to continue from that does not fit). */
export async function planTrainables({ method, model, training }: Pick<RunConfig, 'method' | 'model' | 'training'>, source: ModelSource): Promise<Trainables> {
  if (method.type === 'full') {
    if (model.lora) throw new AppError('config.lora_in_full', 'A LoRA to continue from was given, but all weights are to be trained.', 'Merge the LoRA into the model first ("lpl merge") and start from the result, or train a LoRA.');
    const shapes = Object.entries(expectedShapes('unet', source.config('unet')));
    return { lora: null, list: shapes.map(([name, shape]) => ({ name: variableName('unet', name), shape, init: null })) };
  }
  const texts = source.components.filter((c): c is LoraComponent => c.startsWith('text_encoder'));
  if (!model.lora) return fresh(method, training.seed, source, method.train_text_encoder ? ['unet', ...texts] : ['unet']);
  const given = await continued(source, model.lora);
  if (!method.train_text_encoder) return textFrozen(given, model.lora);
  return hasTextLora(given) ? given : joined(given, fresh(method, training.seed, source, texts));
}

/** Whether a text encoder is changed by the LoRA. */
export const hasTextLora = ({ lora }: Trainables): boolean => lora?.some((p) => p.component !== 'unet') ?? false;
/** Names of what the optimizer moves. */
export const trainedNames = ({ list }: Trainables): string[] => list.filter((t) => !t.frozen).map((t) => t.name);

const joined = (a: Trainables, b: Trainables): Trainables => ({ lora: [...a.lora!, ...b.lora!], list: [...a.list, ...b.list] });

/** How a run's captions are embedded: by text encoders that are being trained, or once, by the model's own, with `adapted` LoRA layers on them where there are some. */
export interface TextUse { live: boolean; adapted: Trainables | null }
export function textUse({ method }: Pick<RunConfig, 'method'>, trainables: Trainables): TextUse {
  const live = method.type === 'lora' && method.train_text_encoder;
  return { live, adapted: !live && hasTextLora(trainables) ? textLora(trainables) : null };
}

/** SHA-256 over start values and scales. */
export function trainablesHash({ lora, list }: Trainables): string {
  const hash = createHash('sha256').update(JSON.stringify(lora));
  for (const { name, init } of list) {
    const values = init?.();
    hash.update(name).update(values instanceof Float32Array ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength) : String(values));
  }
  return hash.digest('hex');
}

/** The part of a LoRA that changes the text encoders. */
export const textLora = ({ lora, list }: Trainables): Trainables => ({ lora: lora!.filter((p) => p.component !== 'unet'), list: list.filter((t) => t.name.startsWith('lora.text_encoder')) });

/** A LoRA's changes of the text encoders stay in it as they are when only the UNet is trained on. */
function textFrozen(given: Trainables, path: string): Trainables {
  const list = given.list.map((t) => (t.name.startsWith('lora.unet.') ? t : { ...t, frozen: true }));
  if (list.every((t) => t.frozen)) throw new AppError('config.nothing_trained', `The LoRA ${path} changes the text encoders alone, and these are not to be trained.`, 'Turn "Train text encoders" on, or choose another LoRA to continue from.', { path });
  return { ...given, list };
}

function fresh(method: RunConfig['method'], seed: number, source: ModelSource, components: LoraComponent[]): Trainables {
  const lora: LoraPlace[] = [], list: Trainable[] = [];
  for (const component of components) {
    const shapes = expectedShapes(component, source.config(component));
    for (const layer of loraLayers(shapes, component === 'unet' ? method : { ...method, targets: 'attention' })) {
      const { down, up } = loraShapes(shapes[`${layer}.weight`]!, method.rank);
      lora.push({ component, layer, rank: method.rank, alpha: method.alpha });
      list.push({ name: downName(component, layer), shape: down, init: () => initialDown(seed, `${component}.${layer}`, down, method.rank) });
      list.push({ name: upName(component, layer), shape: up, init: () => 'zeros' });
    }
  }
  return { lora, list };
}

/** Goes on with a LoRA file: its layers, ranks and alphas. */
const continued = async (source: ModelSource, path: string): Promise<Trainables> => loraTrainables(source, await readLora(path, source.config('unet')));

/** A LoRA's layers as trainables that start from its values. Throws lora.wrong_base. `strength` multiplies its effect. */
export function loraTrainables(source: ModelSource, lora: LoraWeights, strength = 1): Trainables {
  const { layers } = fitLora(lora, source);
  const places = [...layers].flatMap(([component, own]) => [...own].map(([layer, w]): [LoraPlace, LoraLayer] => [{ component, layer, rank: rankOf(w), alpha: w.alpha * strength }, w]));
  return {
    lora: places.map(([place]) => place),
    list: places.flatMap(([{ component, layer }, w]): Trainable[] => [
      { name: downName(component, layer), shape: w.down.shape, init: () => w.down.data }, { name: upName(component, layer), shape: w.up.shape, init: () => w.up.data },
    ]),
  };
}

/** Declares the trained tensors that are not the model's own, and the EMA shadows, which start as copies. The model itself must be declared. */
export async function declareTrainables(executor: Executor, source: ModelSource, { list }: Trainables, useEma: boolean): Promise<void> {
  for (const { name, shape, init } of list) {
    if (init) executor.declare(name, { shape }, init());
    if (useEma) executor.declare(emaName(name), { shape }, init ? init() : (await source.read('unet', name.slice('unet.'.length))).data);
  }
}

export interface ContextOptions { /** the EMA weights in place of the trained ones */ ema?: boolean; checkpointing?: boolean; /** LoRA dropout of a layer's input */ dropout?: (layer: string) => Adapter['dropout'] }

/** A component's weights with what is trained in their place or on top. */
export function trainedContext(state: State, component: ComponentName, { lora }: Trainables, { ema = false, checkpointing = false, dropout }: ContextOptions = {}): ModelContext {
  const scales = new Map((lora ?? []).filter((p) => p.component === component).map((p) => [p.layer, p.alpha / p.rank]));
  const current = (name: string): string => (ema && state.has(emaName(name)) ? emaName(name) : name);
  return {
    checkpointing,
    w: (name) => state.get(current(variableName(component, name))),
    has: (name) => state.has(variableName(component, name)),
    adapter(layer) {
      const scale = scales.get(layer);
      if (scale === undefined) return undefined;
      const drop = dropout?.(layer);
      return { down: state.get(current(downName(component, layer))), up: state.get(current(upName(component, layer))), scale, ...(drop ? { dropout: drop } : {}) };
    },
  };
}
