/** Opens a model in the diffusers folder layout: model_index.json, and a folder per component. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { recogniseFolder } from './architecture.ts';
import { diffusersWeights } from './componentWeights.ts';
import { missingComponents } from './errors.ts';
import { defaultScheduler } from './defaultConfigs.ts';
import { componentsOf, type ComponentName, type ModelKind } from './keyMapping/original.ts';
import { ModelSource, type ComponentSource, type ModelParts, type TokenizerSource } from './modelSource.ts';
import type { SafetensorsFile } from './safetensors.ts';
import { openWeightFiles, readJson } from './weightFiles.ts';

export interface FolderOptions { /** e.g. "fp16": take these weight files where there is a choice */ variant?: string | undefined; components?: ComponentName[] | undefined; /** its VAE is not looked at: another one was chosen */ withoutVae?: boolean }

export const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

async function openComponent(root: string, component: ComponentName, variant: string | undefined, files: SafetensorsFile[]): Promise<ComponentSource> {
  const config = await readJson(join(root, component, 'config.json'));
  const own = await openWeightFiles(component, join(root, component), variant);
  files.push(...own);
  return { config, weights: diffusersWeights(component, own) };
}

/** The folder's own tokenizers; the built-in CLIP vocabulary for one that is not there. */
export async function findTokenizers(root: string, kind: ModelKind): Promise<ModelParts['tokenizers']> {
  const pick = async (name: string, padToken: '<|endoftext|>' | '!'): Promise<TokenizerSource> =>
    (await exists(join(root, name, 'vocab.json'))) || (await exists(join(root, name, 'tokenizer.json'))) ? { kind: 'folder', folder: join(root, name) } : { kind: 'builtin', padToken };
  return { tokenizer: await pick('tokenizer', '<|endoftext|>'), ...(kind === 'sdxl' ? { tokenizer_2: await pick('tokenizer_2', '!') } : {}) };
}

export async function findScheduler(root: string, kind: ModelKind): Promise<Record<string, unknown>> {
  const path = join(root, 'scheduler', 'scheduler_config.json');
  return (await exists(path)) ? readJson(path) : defaultScheduler(kind);
}

/** Every folder that the model needs is there, before any of them is read. Throws model.missing_component. */
async function requireFolders(root: string, components: ComponentName[]): Promise<void> {
  const missing: ComponentName[] = [];
  for (const name of components) if (!(await exists(join(root, name, 'config.json')))) missing.push(name);
  if (missing.length) throw missingComponents(root, missing, `there is no ${missing.map((m) => `${m}/config.json`).join(', no ')} in the folder`);
}

/** Throws file.*, model.*; nothing stays open then. The weights' names and shapes are not compared with the configs yet: see checkWeights. */
export async function openFolder(root: string, options: FolderOptions = {}): Promise<ModelSource> {
  const indexPath = join(root, 'model_index.json');
  if (!(await exists(indexPath))) {
    throw new AppError('model.not_a_model_folder', `${root} has no model_index.json, so it is not a diffusers model.`, 'Choose the folder that has model_index.json and a unet folder in it, or a single .safetensors file.', { path: root });
  }
  const index = await readJson(indexPath), files: SafetensorsFile[] = [];
  const unet = await exists(join(root, 'unet', 'config.json')) ? await readJson(join(root, 'unet', 'config.json')) : {}; // other families have none: they are recognised by name
  const kind = recogniseFolder(root, index, unet);
  const wanted = (options.components ?? componentsOf(kind)).filter((c) => !options.withoutVae || c !== 'vae');
  await requireFolders(root, wanted);
  try {
    const components: ModelParts['components'] = new Map();
    for (const name of wanted) components.set(name, await openComponent(root, name, options.variant, files));
    return new ModelSource({ kind, path: root, layout: 'diffusers', components, files, ignored: [], metadata: files[0]?.metadata ?? {}, tokenizers: await findTokenizers(root, kind), scheduler: await findScheduler(root, kind) });
  } catch (error) {
    await Promise.all(files.map((f) => f.close()));
    throw error;
  }
}
