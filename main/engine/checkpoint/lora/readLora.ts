/** Reads LoRA files in any of their naming forms, told apart by the names themselves. */
import { AppError } from '../../../contract/errors.ts';
import { firstNonFinite } from '../dtype.ts';
import { someOf } from '../errors.ts';
import { toTfjsLayout, tfjsShape } from '../layout.ts';
import type { ComponentConfig } from '../keyMapping/original.ts';
import type { Renamer } from '../keyMapping/renamer.ts';
import { sdxlStructure, unetRenamer, unetStructure } from '../keyMapping/unet.ts';
import { SafetensorsFile } from '../safetensors.ts';
import { fromDiffusers, fromKohya, type LayerName } from './loraNames.ts';
import { readAlphas, type AlphaRule } from './loraMetadata.ts';
import { rankOf, type LoraLayer, type LoraMatrix, type LoraWeights } from './loraWeights.ts';

type Role = 'down' | 'up' | 'alpha';
const suffixes: [pattern: RegExp, role: Role][] = [
  [/\.(lora_down|lora_A|lora\.down|lora_linear_layer\.down|down)(\.[\w-]+)?\.weight$/, 'down'],
  [/\.(lora_up|lora_B|lora\.up|lora_linear_layer\.up|up)(\.[\w-]+)?\.weight$/, 'up'],
  [/\.alpha$/, 'alpha'],
];
/** Other adapter families, by a tensor only they have. */
const otherKinds: [pattern: RegExp, name: string][] = [[/\.hada_w1/, 'LoHa'], [/\.lokr_w1/, 'LoKr'], [/dora_scale|lora_magnitude_vector/, 'DoRA'], [/\.lora_mid\./, 'LoCon with Tucker decomposition'], [/\.(oft_|boft_)/, 'OFT'], [/\.diff(_b)?$/, 'full-difference'], [/\.ia3_/, 'IA3']];

interface Found { name: LayerName; role: Role; key: string }

function parseKey(path: string, key: string, unet: Renamer): Found | undefined {
  for (const [pattern, role] of suffixes) {
    const m = pattern.exec(key);
    if (!m) continue;
    const base = key.slice(0, m.index), name = base.startsWith('lora_') ? fromKohya(base, unet) : fromDiffusers(base);
    return name && { name, role, key };
  }
  const other = otherKinds.find(([pattern]) => pattern.test(key));
  if (other) throw new AppError('lora.not_supported', `${path} is a ${other[1]} adapter, which is not supported yet.`, 'Choose a plain LoRA.', { path, tensor: key });
  return undefined;
}

async function matrix(file: SafetensorsFile, key: string): Promise<LoraMatrix> {
  const { shape } = file.info(key), stored = await file.readFloat(key);
  if (firstNonFinite(stored) >= 0) throw new AppError('lora.not_finite', `${file.path}: tensor "${key}" contains values that are not numbers.`, 'Use another version of this LoRA.', { path: file.path, tensor: key });
  return { shape: tfjsShape(key, shape), data: toTfjsLayout(key, shape, stored) };
}

async function readLayer(file: SafetensorsFile, name: LayerName, keys: Partial<Record<Role, string>>, rule: AlphaRule): Promise<LoraLayer> {
  const bad = (what: string) => new AppError('lora.damaged', `${file.path}: the layer ${name.component}/${name.layer} ${what}.`, 'Download or export the LoRA again.', { path: file.path, ...name });
  if (!keys.down || !keys.up) throw bad(`has no ${keys.down ? 'up' : 'down'} matrix`);
  const down = await matrix(file, keys.down), up = await matrix(file, keys.up), rank = down.shape.at(-1);
  if (down.shape.length < 2 || rank !== up.shape.at(-2) || !rank) throw bad(`has matrices that do not fit together: [${down.shape}] and [${up.shape}]`);
  const alpha = keys.alpha ? (await file.readFloat(keys.alpha))[0] : rule.alphaOf(name, rank);
  if (alpha === undefined || !Number.isFinite(alpha)) throw bad('has an alpha that is not a number');
  const fold = keys.alpha ? 1 : rule.foldedScale;
  return { down, up: fold === 1 ? up : { shape: up.shape, data: up.data.map((v) => v / fold) }, alpha };
}

function mostCommon(values: number[]): number {
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

function groupKeys(file: SafetensorsFile, unet: Renamer): Map<string, { name: LayerName; keys: Partial<Record<Role, string>> }> {
  const layers = new Map<string, { name: LayerName; keys: Partial<Record<Role, string>> }>(), unknown: string[] = [];
  for (const key of file.tensors.keys()) {
    const found = parseKey(file.path, key, unet);
    if (!found) { unknown.push(key); continue; }
    const id = `${found.name.component}/${found.name.layer}`, entry = layers.get(id) ?? { name: found.name, keys: {} };
    if (entry.keys[found.role]) throw new AppError('lora.damaged', `${file.path} names the layer ${id} twice.`, 'Export the LoRA again.', { path: file.path, keys: [entry.keys[found.role], key] });
    entry.keys[found.role] = key;
    layers.set(id, entry);
  }
  if (unknown.length) throw new AppError('lora.unknown_layers', `${file.path} ${layers.size ? 'has' : 'is not a LoRA for SDXL or SD 1.5: it has'} ${unknown.length} tensors of unknown layers: ${someOf(unknown, 4)}.`,
    'Choose a LoRA that was trained for an SDXL or Stable Diffusion 1.5 model.', { path: file.path, unknown });
  return layers;
}

/** `unetConfig`: the base model's, for original names of UNets that are not shaped like SDXL's. Throws lora.*, file.*, model.damaged, model.pickle_refused. */
export async function readLora(path: string, unetConfig?: ComponentConfig): Promise<LoraWeights> {
  const file = await SafetensorsFile.open(path);
  try {
    const found = groupKeys(file, unetRenamer(unetConfig ? unetStructure(unetConfig) : sdxlStructure)), rule = readAlphas(file.metadata);
    const layers: LoraWeights['layers'] = new Map();
    for (const { name, keys } of found.values()) {
      const own = layers.get(name.component) ?? new Map<string, LoraLayer>();
      layers.set(name.component, own.set(name.layer, await readLayer(file, name, keys, rule)));
    }
    const all = [...layers.values()].flatMap((own) => [...own.values()]);
    return { rank: mostCommon(all.map(rankOf)), alpha: mostCommon(all.map((l) => l.alpha)), layers, metadata: file.metadata };
  } finally { await file.close(); }
}

