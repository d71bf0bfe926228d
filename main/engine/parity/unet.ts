/** Parity of the UNet: outputs in two shapes, gradients of the input and of every weight, with and without checkpointing. */
import type { BackendChoice } from '../backend/select.ts';
import type { Executor, HostTensor } from '../backend/executor.ts';
import { toTfjsLayout } from '../checkpoint/layout.ts';
import { parseUnetConfig, unetForward, type UnetConfig, type UnetInputs } from '../models/unet.ts';
import { variableName } from '../run/baseModel.ts';
import { stateContext } from '../run/stateContext.ts';
import { tf, type Tensor, type TensorMap } from '../tf.ts';
import { readFixture, readJson, readWeights, relativeError, toNhwc, type FloatTensor, type Weights } from './fixture.ts';
import { declareWeights, onExecutor, runOnce } from './onExecutor.ts';
import { absentPart, judge, lacking, TOLERANCE, type ParityFinding, type ParityResult, type ParitySection } from './section.ts';

const FILES = ['unet.safetensors', 'unet.json', 'tiny-sdxl/unet/config.json', 'tiny-sdxl/unet/diffusion_pytorch_model.safetensors'];
const INPUTS = ['sample', 'timestep', 'encoder_hidden_states', 'text_embeds', 'time_ids'] as const;

/** Gradients that the fixtures hold in full, of those weights that the UNet has. */
const FULL = ['conv_in.weight', 'time_embedding.linear_1.weight', 'add_embedding.linear_1.weight', 'mid_block.resnets.0.norm1.weight',
  'mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight', 'up_blocks.0.resnets.0.conv_shortcut.weight', 'conv_out.bias'];

/** Names of inputs and of what is compared that the fixture lacks. */
export const lackingOf = (f: Weights, config: UnetConfig, prefix: string, more: string[]): string[] =>
  lacking(f, [...INPUTS.slice(0, config.addition_embed_type ? undefined : 3), ...more].map((name) => `${prefix}${name}`));

/** The fixture's inputs; a UNet without text_time has only the first three. */
export function inputsOf(f: Weights, prefix: string): Record<string, HostTensor> {
  const own = INPUTS.filter((name) => f.has(`${prefix}${name}`));
  return Object.fromEntries(own.map((name) => [name, name === 'sample' ? toNhwc(f.get(`${prefix}sample`)!) : f.get(`${prefix}${name}`)!]));
}

export const asUnetInputs = ({ sample, timestep, encoder_hidden_states, text_embeds, time_ids }: TensorMap): UnetInputs => ({
  sample: sample!, timestep: timestep!, encoderHiddenStates: encoder_hidden_states!, ...(text_embeds ? { textEmbeds: text_embeds } : {}), ...(time_ids ? { timeIds: time_ids } : {}),
});

async function* checkOutput(section: string, executor: Executor, config: UnetConfig, f: Weights, prefix: string): AsyncGenerator<ParityFinding> {
  const lacks = lackingOf(f, config, prefix, ['output']);
  if (lacks.length) { yield absentPart(section, `${prefix}output`, lacks); return; }
  const got = await runOnce(executor, `unet_${prefix}`, inputsOf(f, prefix), (inputs, state) => ({ outputs: { output: unetForward(stateContext(state, 'unet'), config, asUnetInputs(inputs)) } }));
  yield judge(section, `${prefix}output`, relativeError(got['output']!, toNhwc(f.get(`${prefix}output`)!)), TOLERANCE.forward);
}

/** Gradients of sum(output · cotangent): of the sample in full, of weights in `full` in full, of all their norms. */
function gradients(executor: Executor, config: UnetConfig, f: Weights, names: string[], full: string[], checkpointing: boolean): Promise<Record<string, HostTensor>> {
  const inputs = { ...inputsOf(f, ''), cotangent: toNhwc(f.get('cotangent')!) };
  return runOnce(executor, `unet_gradients_${checkpointing}`, inputs, ({ cotangent, ...rest }, state) => {
    const ctx = { ...stateContext(state, 'unet'), checkpointing };
    const weights = names.map((name) => state.get(variableName('unet', name)));
    const byName = new Map(names.map((name, i) => [name, i]));
    const all = tf.grads((sample: Tensor, ...ws: Tensor[]) =>
      tf.sum(tf.mul(unetForward({ ...ctx, w: (name) => ws[byName.get(name)!]! }, config, asUnetInputs({ ...rest, sample })), cotangent!)))([rest['sample']!, ...weights]);
    const [sample, ...ofWeights] = all as Tensor[];
    const norms = tf.stack(ofWeights.map((g) => tf.sqrt(tf.sum(tf.square(g)))));
    return { outputs: { sample: sample!, norms, ...Object.fromEntries(full.map((name) => [name, ofWeights[byName.get(name)!]!])) } };
  });
}

/**
 * The weights' gradient norms. Some gradients are zero but for rounding (a bias in front of a norm with one channel a
 * group); a norm below 1e-4 of the largest is therefore held to 1e-7 of the largest.
 */
function compareNorms(section: string, label: string, actual: Map<string, number>, norms: Record<string, number>): ParityResult {
  const floor = 1e-4 * Math.max(...Object.values(norms));
  const errors = Object.entries(norms).map(([name, norm]): [string, number] => [name, Math.abs((actual.get(name) ?? NaN) - norm) / Math.max(norm, floor)]);
  const worst = errors.reduce((a, b) => (b[1] <= a[1] ? a : b)); // a NaN becomes, and stays, the worst
  return judge(section, `gradient norms of ${errors.length} weights${label}`, worst[1], TOLERANCE.gradient, `largest: ${worst[0]}`);
}

async function* checkGradients(section: string, executor: Executor, config: UnetConfig, f: Weights, weights: string[], norms: Record<string, number>, checkpointing: boolean): AsyncGenerator<ParityFinding> {
  const full = [...f.keys()].filter((k) => k.startsWith('grad.') && k !== 'grad.sample').map((k) => k.slice(5)), own = full.filter((name) => weights.includes(name));
  const label = checkpointing ? ', checkpointed' : '';
  const lacks = lackingOf(f, config, '', ['cotangent']);
  if (lacks.length) { yield absentPart(section, `gradients${label}`, lacks); return; }
  const got = await gradients(executor, config, f, weights, own, checkpointing);
  if (f.has('grad.sample')) yield judge(section, `gradient of the sample${label}`, relativeError(got['sample']!, toNhwc(f.get('grad.sample')!)), TOLERANCE.gradient);
  else yield absentPart(section, `gradient of the sample${label}`, ['grad.sample']);
  for (const name of full) {
    const { shape, data } = f.get(`grad.${name}`) as FloatTensor;
    yield judge(section, `gradient of ${name}${label}`, got[name] ? relativeError(got[name], { shape, data: toTfjsLayout(name, shape, data) }) : Infinity, TOLERANCE.gradient);
  }
  for (const name of FULL.filter((w) => weights.includes(w) && !full.includes(w))) yield absentPart(section, `gradient of ${name}${label}`, [`grad.${name}`]);
  if (Object.keys(norms).length) yield compareNorms(section, label, new Map(weights.map((name, i) => [name, got['norms']!.data[i]!])), norms);
  const without = weights.filter((name) => !Object.hasOwn(norms, name));
  if (without.length) yield absentPart(section, `gradient norms${label}`, without);
}

/** The folder's parts: outputs in the square ('') and the other shape, gradients kept and recomputed. */
const PARTS = ['', 'rect.', 'gradients', 'checkpointed'] as const;
type Part = (typeof PARTS)[number];

export async function* unetParity(section: string, dir: string, backend: BackendChoice, parts: readonly Part[] = PARTS): AsyncGenerator<ParityFinding> {
  const f = await readFixture(dir, 'unet');
  const { grad_norms = {} } = await readJson(`${dir}/unet.json`) as { grad_norms?: Record<string, number> };
  const config = parseUnetConfig(await readJson(`${dir}/tiny-sdxl/unet/config.json`));
  const weights = await readWeights(`${dir}/tiny-sdxl/unet/diffusion_pytorch_model.safetensors`);
  yield* onExecutor(backend, async function* (executor) {
    declareWeights(executor, 'unet', weights);
    for (const part of parts) {
      if (part === '' || part === 'rect.') yield* checkOutput(section, executor, config, f, part);
      else yield* checkGradients(section, executor, config, f, [...weights.keys()], grad_norms, part === 'checkpointed');
    }
  });
}

const sectionOn = (name: string, backend: BackendChoice): ParitySection => ({ name, files: FILES, run: (dir) => unetParity(name, dir, backend) });

export const unet = sectionOn('unet, compiled', 'tensorflow');
export const unetEager = sectionOn('unet, op by op', 'tensorflow-eager');
