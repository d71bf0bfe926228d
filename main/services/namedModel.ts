/** Models by the name that the app shows: on the command line too. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { builtinModels } from '../compare/demo.ts';
import { AppError } from '../contract/errors.ts';
import { builtinModelId, modelAdvice } from '../contract/models.ts';
import type { NamedModel } from '../models/readModels.ts';
import { dataDir, resourcesDir } from '../runtime/paths.ts';
import { modelInspector } from './modelInspector.ts';

const builtin = (): NamedModel[] => builtinModels(join(resourcesDir, 'models')).map((name) => ({ id: builtinModelId(name), name, path: join(resourcesDir, 'models', name) }));

/** The path of a model given by its path, or by the name or id that the app knows it by. Throws model.unknown, model.ambiguous. */
export async function namedModel(given: string): Promise<string> {
  if (existsSync(given)) return given;
  const own = builtin(), meant = (m: NamedModel): boolean => m.id === given || m.name === given;
  const shipped = own.find(meant);
  if (shipped) return shipped.path;
  const { readModels } = await import('../models/readModels.ts');
  const added = readModels(join(dataDir(), 'studio.sqlite')).filter((m) => own.every((o) => o.id !== m.id)), found = added.filter(meant);
  if (found.length > 1) throw new AppError('model.ambiguous', `${found.length} models are called "${given}".`, `Give the path of one: ${found.map((m) => m.path).join(', ')}`, { given });
  if (found[0]) return found[0].path;
  throw new AppError('model.unknown', `${given} does not exist, and no model is called that.`, `Give a diffusers folder, a .safetensors file, or a name: ${[...own, ...added].map((m) => m.name).join(', ')}.`, { given });
}

/** What suits the model at `path` (see modelAdvice), from its files' headers. Throws AppError model.*, file.*. */
export async function adviceOf(path: string): Promise<Record<string, number>> {
  const { resolution } = await modelInspector.inspect(path);
  return modelAdvice({ resolution, builtin: builtin().some((m) => m.path === resolve(path)) });
}
