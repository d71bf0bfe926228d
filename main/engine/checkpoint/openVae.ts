/** Opens a VAE on its own: a diffusers folder (or the model folder around it), or a single file in either naming. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { canonicalShape, diffusersWeights, isBuffer } from './componentWeights.ts';
import { unreadableFile } from './errors.ts';
import { inferVaeConfig } from './inferConfigs.ts';
import type { ModelKind } from './keyMapping/original.ts';
import { vaeRenamer, vaeStructure } from './keyMapping/vae.ts';
import type { ComponentSource } from './modelSource.ts';
import { exists } from './openFolder.ts';
import type { StoredWeight } from './readWeight.ts';
import { SafetensorsFile } from './safetensors.ts';
import { openWeightFiles, readJson } from './weightFiles.ts';

export interface OpenVae { source: ComponentSource; files: SafetensorsFile[] }

async function fromFolder(path: string): Promise<OpenVae> {
  const folder = (await exists(join(path, 'vae', 'config.json'))) ? join(path, 'vae') : path;
  const config = await readJson(join(folder, 'config.json')), files = await openWeightFiles('vae', folder);
  return { source: { config, weights: diffusersWeights('vae', files) }, files };
}

const notAVae = (path: string): AppError => new AppError('model.not_a_vae', `${path} has no VAE in it.`, 'Choose a VAE of the SDXL or SD 1.5 family, as a folder or a .safetensors file.', { path });

/** Original names, bare or under "first_stage_model."; diffusers names need the config.json beside them. */
async function fromFile(path: string, kind: ModelKind): Promise<OpenVae> {
  const file = await SafetensorsFile.open(path);
  const keys = [...file.tensors.keys()], prefix = keys.some((k) => k.startsWith('first_stage_model.')) ? 'first_stage_model.' : '';
  const shapes = new Map(keys.filter((k) => k.startsWith(prefix)).map((k) => [k.slice(prefix.length), file.info(k).shape]));
  try {
    if (!shapes.has('decoder.conv_in.weight')) throw notAVae(path);
    if (!shapes.has('encoder.down.0.block.0.conv1.weight')) throw new AppError('model.not_a_vae', `${path} is a VAE in diffusers layout without its config.json.`, 'Choose the folder that has the config.json in it.', { path });
    const config = inferVaeConfig(kind, path, shapes), names = vaeRenamer(vaeStructure(config)), weights = new Map<string, StoredWeight>();
    for (const [key, shape] of shapes) {
      const name = names.toDiffusers(key);
      if (!name) { if (isBuffer(key) || key.startsWith('loss.') || prefix === '' && key.startsWith('model_ema.')) continue; throw notAVae(path); }
      weights.set(name, { name, shape: canonicalShape(name, shape), dtype: file.info(prefix + key).dtype, file, key: prefix + key });
    }
    return { source: { config, weights }, files: [file] };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** `kind` decides the latents' scale where the file does not say it. Throws model.not_a_vae, model.needs_config, file.*. */
export async function openVae(path: string, kind: ModelKind): Promise<OpenVae> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => { throw unreadableFile(path, error); });
  return info.isDirectory() ? fromFolder(path) : fromFile(path, kind);
}
