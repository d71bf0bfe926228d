/** Opens an original-layout checkpoint: one .safetensors file with UNet, VAE and text encoders. */
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { recogniseSingleFile } from './architecture.ts';
import { canonicalShape, isBuffer } from './componentWeights.ts';
import { schedulerOfSingleFile } from './defaultConfigs.ts';
import { badConfig, damagedFile, missingComponents, someOf } from './errors.ts';
import { inferConfigs } from './inferConfigs.ts';
import { componentsOf, numberingIn, originalLayout, originalPrefixes, type ComponentName, type ModelConfigs, type ModelKind, type PlacedWeight } from './keyMapping/original.ts';
import { ModelSource, type ComponentSource, type ModelParts } from './modelSource.ts';
import { exists, findScheduler, findTokenizers } from './openFolder.ts';
import type { StoredWeight } from './readWeight.ts';
import { SafetensorsFile } from './safetensors.ts';
import { readJson } from './weightFiles.ts';

export interface SingleFileOptions { /** a diffusers folder to take configs, tokenizers and scheduler from */ configFrom?: string | undefined; components?: ComponentName[] | undefined; /** its VAE is not looked at: another one was chosen */ withoutVae?: boolean }
/** Under this name our own single files carry the configs that shapes cannot tell. */
export const configMetadataKey = 'lpl_studio.configs';

/** Things that trainers leave in checkpoints and that are no part of the model. */
const isLeftover = (key: string): boolean => isBuffer(key) || /^(first_stage_model\.loss\.|model_ema\.|conditioner\.embedders\.0\.transformer\.text_projection)/.test(key);

async function folderConfigs(folder: string, components: ComponentName[]): Promise<ModelConfigs> {
  const configs: ModelConfigs = {};
  for (const c of components) if (await exists(join(folder, c, 'config.json'))) configs[c] = await readJson(join(folder, c, 'config.json'));
  return configs;
}

function embeddedConfigs(path: string, metadata: Record<string, string>): ModelConfigs {
  const text = metadata[configMetadataKey];
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as ModelConfigs;
  } catch { /* reported below */ }
  throw badConfig(path, 'the configuration in its metadata is not valid JSON');
}

function stored(file: SafetensorsFile, { name, place }: PlacedWeight): StoredWeight {
  const { name: key, shape, dtype } = file.info(place.key);
  if (place.part === undefined) return { name, shape: place.transposed ? [...shape].reverse() : canonicalShape(name, shape), dtype, file, key, ...(place.transposed ? { transposed: true } : {}) };
  const rows = shape[0]! / 3;
  if (!Number.isInteger(rows)) throw damagedFile(file.path, `tensor "${key}" [${shape}] is not three matrices`, { tensor: key });
  return { name, shape: [rows, ...shape.slice(1)], dtype, file, key, rows: [place.part * rows, rows] };
}

/** Sorts the file's tensors into components. What no component knows is an error inside a component's prefix, ignored outside. */
function sortTensors(file: SafetensorsFile, kind: ModelKind, configs: ModelConfigs): { components: Map<ComponentName, ComponentSource>; ignored: string[] } {
  const layout = originalLayout(kind, configs, numberingIn(kind, configs, file.tensors.keys())), ignored: string[] = [], extra: string[] = [];
  const weights = new Map<ComponentName, Map<string, StoredWeight>>();
  for (const key of file.tensors.keys()) {
    const found = isLeftover(key) ? [] : layout.weightsIn(key), component = layout.componentOf(key);
    if (!found.length) (component && !isLeftover(key) ? extra : ignored).push(key);
    for (const w of found) weights.set(w.component, (weights.get(w.component) ?? new Map<string, StoredWeight>()).set(w.name, stored(file, w)));
  }
  if (extra.length) throw new AppError('model.extra_tensors', `${file.path} has ${extra.length} tensors that this architecture does not have: ${someOf(extra)}.`,
    'The file may be of another architecture, or of a merge gone wrong. Use the model as it was published.', { path: file.path, extra });
  return { components: new Map([...weights].map(([c, w]) => [c, { config: configs[c]!, weights: w }])), ignored };
}

function requireComponents(file: SafetensorsFile, kind: ModelKind, wanted: ComponentName[]): void {
  const missing = wanted.filter((c) => ![...file.tensors.keys()].some((k) => k.startsWith(originalPrefixes[kind][c]!)));
  if (missing.length) throw missingComponents(file.path, missing, `no tensor of the file begins with ${missing.map((c) => `"${originalPrefixes[kind][c]}"`).join(', none with ')}`);
}

async function parts(file: SafetensorsFile, options: SingleFileOptions): Promise<ModelParts> {
  const kind = recogniseSingleFile(file.path, file.tensors), wanted = (options.components ?? componentsOf(kind)).filter((c) => !options.withoutVae || c !== 'vae');
  requireComponents(file, kind, wanted);
  const beside = options.configFrom ?? file.path.replace(/\.safetensors$/i, '');
  const given = { ...embeddedConfigs(file.path, file.metadata), ...await folderConfigs(beside, wanted) };
  const { components, ignored } = sortTensors(file, kind, inferConfigs(kind, file.path, file.tensors, given, wanted));
  const scheduler = await exists(join(beside, 'scheduler')) ? await findScheduler(beside, kind) : schedulerOfSingleFile(kind, new Set(file.tensors.keys()), file.metadata);
  return { kind, path: file.path, layout: 'single-file', components, ignored, scheduler, tokenizers: await findTokenizers(beside, kind), metadata: file.metadata, files: [file] };
}

/** Throws file.*, model.*; nothing stays open then. */
export async function openSingleFile(path: string, options: SingleFileOptions = {}): Promise<ModelSource> {
  const file = await SafetensorsFile.open(path);
  try {
    return new ModelSource(await parts(file, options));
  } catch (error) {
    await file.close();
    throw error;
  }
}
