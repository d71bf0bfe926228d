/** Finds the safetensors files of a diffusers component: plain, a variant (fp16 …), sharded with an index. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { badConfig, pickleRefused, unreadableFile } from './errors.ts';
import type { ComponentName } from './keyMapping/original.ts';
import { SafetensorsFile } from './safetensors.ts';

const stem = (component: ComponentName): string => component.startsWith('text_encoder') ? 'model' : 'diffusion_pytorch_model';
const maxJsonBytes = 64 << 20;

/** A JSON file that holds an object. Throws file.* or model.bad_config. */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    if ((await stat(path)).size > maxJsonBytes) throw badConfig(path, 'the file is far too large for a configuration');
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badConfig(path, 'it is not a JSON object');
    return value as Record<string, unknown>;
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof SyntaxError) throw badConfig(path, 'it is not valid JSON');
    throw unreadableFile(path, error as NodeJS.ErrnoException);
  }
}

/** The file to load among a folder's `names`: the wanted variant, else the plain one, else any variant. */
export function chooseWeightFile(component: ComponentName, names: string[], variant?: string): string | undefined {
  const base = stem(component), pattern = new RegExp(`^${base}(?:\\.([\\w-]+))?\\.safetensors(?:\\.index(?:\\.([\\w-]+))?\\.json)?$`);
  const found = names.flatMap((name) => {
    const m = pattern.exec(name);
    return m && !/-\d+-of-\d+\./.test(name) ? [{ name, variant: m[1] ?? m[2] ?? '', index: name.endsWith('.json') }] : [];
  });
  const rank = (v: string): number => (v === (variant ?? '') ? 0 : v === '' ? 1 : v === 'fp16' ? 2 : 3);
  return found.sort((a, b) => rank(a.variant) - rank(b.variant) || Number(a.index) - Number(b.index) || (a.name < b.name ? -1 : 1))[0]?.name;
}

/** Shards named by an index; each tensor must be in the shard that the index names. */
async function openShards(folder: string, index: string): Promise<SafetensorsFile[]> {
  const path = join(folder, index), map = (await readJson(path))['weight_map'];
  if (typeof map !== 'object' || map === null) throw badConfig(path, 'it has no weight_map');
  const entries = Object.entries(map as Record<string, unknown>);
  for (const [, file] of entries) if (typeof file !== 'string' || basename(file) !== file || !file.endsWith('.safetensors')) throw badConfig(path, `it names the file ${JSON.stringify(file)}`);
  const files = new Map<string, SafetensorsFile>();
  try {
    for (const name of new Set(entries.map(([, file]) => file as string))) files.set(name, await SafetensorsFile.open(join(folder, name)));
    for (const [tensor, file] of entries) files.get(file as string)!.info(tensor);
    return [...files.values()];
  } catch (error) {
    await Promise.all([...files.values()].map((f) => f.close()));
    throw error;
  }
}

/** Opens the weight files in `folder`. Throws model.missing_file, or model.pickle_refused where there are only pickles. */
export async function openWeightFiles(component: ComponentName, folder: string, variant?: string): Promise<SafetensorsFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => { throw unreadableFile(folder, error); });
  const chosen = chooseWeightFile(component, names, variant);
  if (chosen) return chosen.endsWith('.json') ? openShards(folder, chosen) : [await SafetensorsFile.open(join(folder, chosen))];
  const pickle = names.find((n) => /\.(bin|ckpt|pt|pth)$/.test(n));
  if (pickle) throw pickleRefused(join(folder, pickle));
  throw new AppError('model.missing_file', `${folder} has no ${stem(component)}.safetensors.`, 'Download the folder again, with its large files.', { path: folder, component });
}
