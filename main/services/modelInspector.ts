/** Looks at models with the engine's own reader, so that what the list says is what training will see. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Model } from '../contract/models.ts';
import type { ModelSource } from '../engine/checkpoint/modelSource.ts';
import type { ModelInspector } from '../models/store.ts';

const titles: Record<string, string> = { sdxl: 'Stable Diffusion XL', sd15: 'Stable Diffusion 1.5' };

/** Opens a model, and closes it whatever happens. Throws AppError model.*, file.*. */
export async function withModel<T>(path: string, work: (model: ModelSource) => T | Promise<T>): Promise<T> {
  const { openModel } = await import('../engine/checkpoint/openModel.ts');
  const model = await openModel(path);
  try { return await work(model); } finally { await model.close(); }
}

function component(model: ModelSource, name: (typeof model.components)[number]): Model['components'][number] & { files: string[] } {
  const weights = [...model.weights(name).values()];
  const parameters = weights.reduce((n, w) => n + w.shape.reduce((a, b) => a * b, 1), 0);
  const size: Record<string, number> = { F64: 8, F32: 4, F16: 2, BF16: 2 };
  const dtypes = [...new Set(weights.map((w) => w.dtype))];
  const bytes = weights.reduce((n, w) => n + w.shape.reduce((a, b) => a * b, 1) * (size[w.dtype] ?? 1), 0);
  return { name, present: true, files: [...new Set(weights.map((w) => w.file.path))], bytes, parameters, dtype: dtypes.join(', ') };
}

function describe(model: ModelSource, path: string): Awaited<ReturnType<ModelInspector['inspect']>> {
  const components = model.components.map((name) => component(model, name));
  const unet = model.config('unet');
  const vae = model.config('vae');
  const latentSide = Number(unet['sample_size'] ?? 0);
  const scale = 2 ** ((vae['block_out_channels'] as unknown[] | undefined ?? [1, 1, 1, 1]).length - 1);
  const parameters = components.find((c) => c.name === 'unet')!.parameters;
  return {
    suggested_name: basename(path).replace(/\.safetensors$/, ''),
    kind: model.layout === 'diffusers' ? 'diffusers' : 'single_file',
    architecture: model.kind,
    architecture_title: parameters < 50e6 ? `${titles[model.kind] ?? model.kind}, tiny` : titles[model.kind] ?? model.kind,
    latent_channels: Number(vae['latent_channels'] ?? 4),
    resolution: latentSide > 0 ? latentSide * scale : model.kind === 'sdxl' ? 1024 : 512,
    prediction_type: String(model.scheduler['prediction_type'] ?? 'epsilon'),
    components,
    problems: [],
    bytes: components.reduce((n, c) => n + c.bytes, 0),
  };
}

export const modelInspector: ModelInspector = {
  inspect: (path) => withModel(path, (model) => describe(model, path)),
  hash: (path) => withModel(path, async (model) => {
    const hash = createHash('sha256');
    for (const name of model.components) hash.update(`${name} ${await model.hash(name)}\n`);
    return hash.digest('hex');
  }),
};
