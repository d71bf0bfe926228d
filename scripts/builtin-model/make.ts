/**
 * Makes the built-in model: `npm run make:builtin-model`. Stages go on where they were stopped:
 * vae → decoder → unet (with both text encoders) → neighbours → export → eye. `--stage NAME` runs one of them. `--start MODEL`
 * goes on from a finished model of this shape: `decoder` polishes its VAE's, `unet` begins with its UNet and text encoders.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Executor, HostTensor, Precision } from '../../main/engine/backend/executor.ts';
import { createExecutor } from '../../main/engine/backend/select.ts';
import type { ComponentName } from '../../main/engine/checkpoint/modelSource.ts';
import { openModel } from '../../main/engine/checkpoint/openModel.ts';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { vaeWeightShapes } from '../../main/engine/models/vae.ts';
import type { WeightShapes } from '../../main/engine/models/weightShapes.ts';
import { schedulerConfig, textEncoderConfig, unetConfig, vaeConfig } from './configs.ts';
import { defineDrawing, drawLatents, gridPrompts, writeGrid } from './drawing.ts';
import { writeComponent, writeIndex } from './exportModel.ts';
import { trainEye } from './eye.ts';
import { basePictures, type PictureSet } from './images.ts';
import { encodePictures, scalingFactor } from './latents.ts';
import { nearest, toBytes, writeNeighbours } from './neighbours.ts';
import { namedPictures } from './pictures.ts';
import { textModel, type TextModel } from './text.ts';
import { shapesOf, trainUnet } from './unet.ts';
import { defineVaeFunctions, polishDecoder, trainVae, vae } from './vae.ts';
import { makeVocabulary } from './vocabulary.ts';

const { values: options } = parseArgs({ options: {
  stage: { type: 'string', default: 'all' }, start: { type: 'string' }, precision: { type: 'string', default: 'bf16' }, threads: { type: 'string', default: '0' },
  'vae-steps': { type: 'string', default: '5000' }, 'decoder-steps': { type: 'string', default: '1000' }, 'eye-steps': { type: 'string', default: '3000' }, 'unet-steps': { type: 'string', default: '12000' }, dir: { type: 'string', default: '.cache/builtin-model' }, out: { type: 'string', default: 'resources/models/emoji-xl' },
} });
const { dir, out } = options;
const wanted = (stage: string): boolean => options.stage === 'all' ? !(options.start && stage === 'vae') : options.stage === stage;
const newExecutor = (): Promise<Executor> => createExecutor({ backend: 'tensorflow', precision: options.precision as Precision, threads: Number(options.threads) });

/** Weights of the model that `--start` names. Throws model.missing_tensor where one is not there. */
async function startWeights(prefix: string, shapes: WeightShapes): Promise<Map<string, Float32Array>> {
  const source = await openModel(options.start!);
  const out = new Map<string, Float32Array>();
  for (const name of Object.keys(shapes)) {
    const [component, weight] = prefix ? [prefix, name] : [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)];
    out.set(name, (await source.read(component as ComponentName, weight!)).data);
  }
  await source.close();
  return out;
}

/** The VAE's weights: of the training here, or of `--start`. */
const vaeWeights = (stage: 'vae' | 'decoder'): Promise<Map<string, Float32Array>> => {
  const shapes = vaeWeightShapes(vae);
  return options.start && !existsSync(join(dir, stage, 'state.safetensors')) ? startWeights('vae', shapes) : averaged(stage, Object.keys(shapes));
};

/** Averaged weights of a finished (or running) training. */
async function averaged(stage: string, names: string[]): Promise<Map<string, Float32Array>> {
  const file = await SafetensorsFile.open(join(dir, stage, 'state.safetensors'));
  const out = new Map<string, Float32Array>();
  for (const n of names) out.set(n, await file.readFloat(`e/${n}`));
  await file.close();
  return out;
}

async function declareVae(executor: Executor): Promise<void> {
  const shapes = vaeWeightShapes(vae);
  for (const [n, w] of await vaeWeights('decoder')) executor.declare(`vae/${n}`, { shape: shapes[n]! }, w);
  defineVaeFunctions(executor, 20, 'vae/');
}

const captionsOf = (set: PictureSet): string[] => [...new Set(namedPictures([...set.training, ...set.heldOut]).map((p) => p.caption))];

async function textOf(set: PictureSet): Promise<{ text: TextModel; vocabSize: number }> {
  const tokenizers = await makeVocabulary(out, captionsOf(set));
  const vocabSize = tokenizers[0].vocabSize;
  return { vocabSize, text: textModel(vocabSize, [(t) => tokenizers[0].encode(t), (t) => tokenizers[1].encode(t)]) };
}

/** The fixed prompts as pictures [20, size, size, 3] in −1..1, from the averaged weights. */
async function drawPrompts(executor: Executor, text: TextModel, scale: number): Promise<HostTensor> {
  const z = await drawLatents(executor, text, gridPrompts, 7);
  return (await executor.run('vae_decode_20', { z: { shape: [20, 8, 8, 4], data: z.map((v) => v / scale) } }))['image'] as HostTensor;
}

const rgb = (pictures: { rgb: Uint8Array }[]): Uint8Array[] => pictures.map((p) => p.rgb);
const set = await basePictures(dir);
console.log(`${set.training.length} pictures to train on, ${set.heldOut.length} held out`);

if (wanted('vae')) {
  const executor = await newExecutor();
  await trainVae(executor, dir, rgb(set.training), rgb(set.heldOut), Number(options['vae-steps']));
  executor.dispose();
}
if (wanted('decoder')) {
  const executor = await newExecutor();
  await polishDecoder(executor, dir, await vaeWeights('vae'), rgb(set.training), rgb(set.heldOut), Number(options['decoder-steps']));
  executor.dispose();
}
if (wanted('unet')) {
  const executor = await newExecutor();
  await declareVae(executor);
  const { text } = await textOf(set);
  const named = namedPictures([...set.training, ...set.heldOut]) as PictureSet['training'];
  const latents = await encodePictures(executor, named.filter((p) => !set.heldOut.includes(p)));
  const scale = scalingFactor(latents);
  writeFileSync(join(dir, 'scaling_factor.json'), JSON.stringify(scale));
  console.log(`${latents.length} named pictures, scaling_factor ${scale}`);
  defineDrawing(executor, text);
  const draw = async (step: number): Promise<void> => writeGrid(join(dir, 'unet', `grid-${String(step).padStart(6, '0')}.png`), await drawPrompts(executor, text, scale));
  await trainUnet(executor, dir, text, latents, scale, { steps: Number(options['unet-steps']), draw, ...(options.start ? { start: await startWeights('', shapesOf(text)) } : {}) });
  executor.dispose();
}
if (wanted('neighbours')) {
  const executor = await newExecutor();
  await declareVae(executor);
  const { text } = await textOf(set);
  const weights = await averaged('unet', Object.keys(shapesOf(text)));
  for (const [n, shape] of Object.entries(shapesOf(text))) executor.declare(`e/${n}`, { shape }, weights.get(n)!);
  defineDrawing(executor, text);
  const scale = JSON.parse(readFileSync(join(dir, 'scaling_factor.json'), 'utf8')) as number;
  const drawn = toBytes(await drawPrompts(executor, text, scale)), training = namedPictures(set.training) as PictureSet['training'];
  await writeNeighbours(join(dir, 'unet', 'neighbours'), drawn, drawn.map((d, i) => nearest(gridPrompts[i]!, d, training)));
  executor.dispose();
}
if (wanted('export')) {
  const { text, vocabSize } = await textOf(set);
  const shapes = shapesOf(text);
  const weights = await averaged('unet', Object.keys(shapes));
  const vaeShapes = vaeWeightShapes(vae);
  const vaeValues = await vaeWeights('decoder');
  const scaling_factor = JSON.parse(readFileSync(join(dir, 'scaling_factor.json'), 'utf8')) as number;
  const below = (prefix: string): Record<string, number[]> => Object.fromEntries(Object.entries(shapes).filter(([n]) => n.startsWith(`${prefix}/`)).map(([n, s]) => [n.slice(prefix.length + 1), s]));
  await writeComponent(out, { folder: 'vae', config: { ...vaeConfig, scaling_factor }, shapes: vaeShapes, weight: (n) => vaeValues.get(n)! });
  for (const [folder, config] of [['unet', unetConfig], ['text_encoder', textEncoderConfig(false, vocabSize)], ['text_encoder_2', textEncoderConfig(true, vocabSize)]] as const) {
    await writeComponent(out, { folder, config, shapes: below(folder), weight: (n) => weights.get(`${folder}/${n}`)! });
  }
  writeIndex(out, schedulerConfig);
  console.log(`wrote ${out}`);
}
if (wanted('eye')) {
  const executor = await newExecutor();
  const [tokenizer] = await makeVocabulary('resources/eye', captionsOf(set));
  rmSync('resources/eye/tokenizer_2', { recursive: true });
  await trainEye(executor, dir, 'resources/eye', tokenizer, set.training, set.heldOut, Number(options['eye-steps']));
  executor.dispose();
}
