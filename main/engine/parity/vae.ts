/** Parity of the VAE: posterior, decoded image, decoder features, in a square and in another shape. */
import type { BackendChoice } from '../backend/select.ts';
import type { Executor } from '../backend/executor.ts';
import { decode, decoderFeatures, encode, parseVaeConfig, type VaeConfig } from '../models/vae.ts';
import { stateContext } from '../run/stateContext.ts';
import { readFixture, readJson, readWeights, toNhwc, type FloatTensor, type Weights } from './fixture.ts';
import { compareAll, declareWeights, onExecutor, runOnce } from './onExecutor.ts';
import { TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

const FILES = ['vae.safetensors', 'tiny-sdxl/vae/config.json', 'tiny-sdxl/vae/diffusion_pytorch_model.safetensors'];

/** Tensors of the fixture whose names start with `prefix`, without it, NHWC. */
function expectedOf(f: Weights, prefix: string): Record<string, FloatTensor> {
  const own = [...f].filter(([name]) => (prefix ? name.startsWith(prefix) : !name.startsWith('rect_')));
  return Object.fromEntries(own.map(([name, t]) => [name.slice(prefix.length), toNhwc(t)]));
}

async function* check(section: string, executor: Executor, config: VaeConfig, f: Weights, prefix: string): AsyncGenerator<ParityResult> {
  const { image, ...expected } = expectedOf(f, prefix);
  const features = Object.keys(expected).filter((k) => k.startsWith('feature_')).length;
  const got = await runOnce(executor, `vae_${prefix}`, { image: image!, z: expected['mean']! }, (inputs, state) => {
    const ctx = stateContext(state, 'vae');
    const maps = decoderFeatures(ctx, config, inputs['z']!, features - 1);
    return { outputs: { ...encode(ctx, config, inputs['image']!), decoded: decode(ctx, config, inputs['z']!), ...Object.fromEntries(maps.map((m, i) => [`feature_${i}`, m])) } };
  });
  yield* compareAll(section, got, expected, TOLERANCE.forward, (key) => `${prefix}${key}`);
}

export async function* vaeParity(section: string, dir: string, backend: BackendChoice): AsyncGenerator<ParityResult> {
  const f = await readFixture(dir, 'vae');
  const config = parseVaeConfig(await readJson(`${dir}/tiny-sdxl/vae/config.json`));
  const weights = await readWeights(`${dir}/tiny-sdxl/vae/diffusion_pytorch_model.safetensors`);
  yield* onExecutor(backend, async function* (executor) {
    declareWeights(executor, 'vae', weights);
    yield* check(section, executor, config, f, '');
    yield* check(section, executor, config, f, 'rect_');
  });
}

const sectionOn = (name: string, backend: BackendChoice): ParitySection => ({ name, files: FILES, run: (dir) => vaeParity(name, dir, backend) });

export const vae = sectionOn('vae, compiled', 'tensorflow');
export const vaeEager = sectionOn('vae, op by op', 'tensorflow-eager');
