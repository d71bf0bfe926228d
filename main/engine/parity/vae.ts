/** Parity of the VAE: posterior, decoded image, decoder features, in a square and in another shape. */
import type { BackendChoice } from '../backend/select.ts';
import type { Executor } from '../backend/executor.ts';
import { decode, decoderFeatures, encode, parseVaeConfig, type VaeConfig } from '../models/vae.ts';
import { stateContext } from '../run/stateContext.ts';
import { readFixture, readJson, readWeights, toNhwc, type FloatTensor, type Weights } from './fixture.ts';
import { compareAll, declareWeights, onExecutor, runOnce } from './onExecutor.ts';
import { absentPart, lacking, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

const FILES = ['vae.safetensors', 'tiny-sdxl/vae/config.json', 'tiny-sdxl/vae/diffusion_pytorch_model.safetensors'];

/** Tensors of the fixture whose names start with `prefix`, without it, NHWC. */
function expectedOf(f: Weights, prefix: string): Record<string, FloatTensor> {
  const own = [...f].filter(([name]) => (prefix ? name.startsWith(prefix) : !name.startsWith('rect_')));
  return Object.fromEntries(own.map(([name, t]) => [name.slice(prefix.length), toNhwc(t)]));
}

/** What the square image is compared in (the mid block and at most four up blocks, as LPL has them), and the other one. */
const quantities = ({ block_out_channels }: VaeConfig, prefix: string): string[] =>
  prefix ? ['mean', 'decoded'] : ['mean', 'logvar', 'decoded', ...Array.from({ length: 1 + Math.min(4, block_out_channels.length) }, (_, i) => `feature_${i}`)];
/** The posterior is computed from the image, everything else from its mean. */
const needOf = (quantity: string): string => (quantity === 'mean' || quantity === 'logvar' ? 'image' : 'mean');

async function* check(section: string, executor: Executor, config: VaeConfig, f: Weights, prefix: string): AsyncGenerator<ParityFinding> {
  const { image, ...all } = expectedOf(f, prefix), z = all['mean'];
  const lacks = new Map([...new Set([...quantities(config, prefix), ...Object.keys(all)])].map((name) => [name, lacking(f, [`${prefix}${name}`, `${prefix}${needOf(name)}`])]));
  const expected = Object.fromEntries(Object.entries(all).filter(([name]) => !lacks.get(name)!.length));
  const deepest = Math.max(-1, ...Object.keys(expected).filter((k) => k.startsWith('feature_')).map((k) => Number(k.slice(8))));
  if (Object.keys(expected).length) {
    const got = await runOnce(executor, `vae_${prefix}`, { ...(image ? { image } : {}), ...(z ? { z } : {}) }, (inputs, state) => {
      const ctx = stateContext(state, 'vae');
      const maps = deepest < 0 ? [] : decoderFeatures(ctx, config, inputs['z']!, deepest);
      return { outputs: { ...(inputs['image'] ? encode(ctx, config, inputs['image']) : {}), ...(inputs['z'] ? { decoded: decode(ctx, config, inputs['z']) } : {}), ...Object.fromEntries(maps.map((m, i) => [`feature_${i}`, m])) } };
    });
    yield* compareAll(section, got, expected, TOLERANCE.forward, (key) => `${prefix}${key}`);
  }
  for (const [name, missing] of lacks) if (missing.length) yield absentPart(section, `${prefix}${name}`, [...new Set(missing)]);
}

export async function* vaeParity(section: string, dir: string, backend: BackendChoice): AsyncGenerator<ParityFinding> {
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
