/**
 * The app's own eye as feature space (models/eye.ts), from resources/eye: config.json { image: EyeConfig, text: CLIP's config },
 * model.safetensors with PyTorch layouts (image.*, logit_scale, text.*), tokenizer/.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunConfig } from '../../contract/runConfig.ts';
import type { Executor, HostTensor, State } from '../backend/executor.ts';
import { createExecutor } from '../backend/select.ts';
import { tfjsShape, toTfjsLayout } from '../checkpoint/layout.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import { hashFile } from '../checkpoint/writeSafetensors.ts';
import { clipForward, parseClipConfig, type ClipConfig } from '../models/clip.ts';
import { eyeImage, unit, type EyeConfig } from '../models/eye.ts';
import { loadTokenizer } from '../models/tokenizer.ts';
import { floatSpec } from '../run/specs.ts';
import type { FeatureSpace, FeatureSpaceInfo } from './featureSpace.ts';
import { squarePixels } from './squarePixels.ts';

const FOLDER = fileURLToPath(new URL('../../../resources/eye', import.meta.url));
const files = ['config.json', 'model.safetensors', 'tokenizer'];

/** The eye's folder, if it is whole. */
export const eyeFolder = (): string | null => (files.every((f) => existsSync(join(FOLDER, f))) ? FOLDER : null);

function readConfig(): { image: EyeConfig; text: ClipConfig } {
  const { image, text } = JSON.parse(readFileSync(join(FOLDER, 'config.json'), 'utf8')) as { image: EyeConfig; text: unknown };
  return { image, text: parseClipConfig(text) };
}

export async function eyeInfo(): Promise<FeatureSpaceInfo> {
  const { image } = readConfig();
  return { id: 'eye', title: `the app's own image–text encoder, ${image.image_size} px`, sha256: await hashFile(join(FOLDER, 'model.safetensors')), dimensions: image.channels.at(-1)! };
}

async function loadWeights(executor: Executor): Promise<void> {
  const file = await SafetensorsFile.open(join(FOLDER, 'model.safetensors'));
  try {
    for (const [name, { shape }] of file.tensors) executor.declare(name, { shape: tfjsShape(name, shape) }, toTfjsLayout(name, shape, await file.readFloat(name)));
  } finally { await file.close(); }
}

const context = (state: State, prefix = '') => ({ w: (name: string) => state.get(prefix + name), has: (name: string) => state.has(prefix + name) });

/** Pooled features for distances, unit embeddings for agreement with texts. */
export async function openEye({ training: { backend, threads } }: RunConfig): Promise<FeatureSpace> {
  const { image, text } = readConfig(), side = image.image_size, shape = [1, side, side, 3];
  const tokenizer = await loadTokenizer({ kind: 'folder', folder: join(FOLDER, 'tokenizer') });
  const executor = await createExecutor({ backend, threads, precision: 'fp32' });
  await loadWeights(executor);
  executor.define('picture', { image: floatSpec(...shape) }, (inputs, state) => ({ outputs: { ...eyeImage(context(state), image, inputs['image']!) } }));
  executor.define('text', { ids: { shape: [1, tokenizer.maxLength], dtype: 'int32' } }, ({ ids }, state) => ({ outputs: { embedding: unit(clipForward(context(state, 'text.'), text, ids!).pooled) } }));
  const floats = (t: HostTensor | undefined): Float32Array => t!.data as Float32Array;
  return {
    info: await eyeInfo(),
    picture: async (pixels, size) => {
      const out = await executor.run('picture', { image: { shape, data: await squarePixels(pixels, size, side) } });
      return { features: floats(out['features']), embedding: floats(out['embedding']) };
    },
    text: async (prompt) => floats((await executor.run('text', { ids: { shape: [1, tokenizer.maxLength], data: tokenizer.encode(prompt) } }))['embedding']),
    dispose: () => executor.dispose(),
  };
}
