/**
 * Whether a fine-tune of the built-in model moves to the new style: `node scripts/builtin-model/evidence.ts RUNS OUT`.
 *
 * RUNS is the folder of a finished `lpl demo --seeds N`. The untuned model (a run of one step at learning rate 0) draws the same prompts
 * and seeds; OUT gets distances of each run's pictures to the held-out pictures of the new style (evidence.json), and eight fixed
 * prompts before and after (before-after.webp).
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import sharp from 'sharp';
import { frechetDistance } from '../../main/compare/statistics/frechet.ts';
import { kernelDistance } from '../../main/compare/statistics/kid.ts';
import type { Evaluation } from '../../main/contract/evaluation.ts';
import { evaluateRun } from '../../main/engine/evaluation/evaluateRun.ts';
import { CommandQueue } from '../../main/engine/run/commandQueue.ts';
import { createRunFolder, readRunConfig, runFolder } from '../../main/engine/run/runFolder.ts';
import { runTraining } from '../../main/engine/run/runTraining.ts';
import { drawPictures } from '../../main/engine/sampling/drawPictures.ts';

const prompts = ['a cat', 'a red heart', 'a frog', 'a grinning face', 'a panda', 'a rocket', 'a strawberry', 'an umbrella'].map((what) => `blob emoji of ${what}`);

/** A run that changes nothing: the model as it is, evaluated like the others. */
async function untunedRun(dir: string, like: string): Promise<void> {
  if (existsSync(runFolder(dir).config)) return;
  const config = readRunConfig(runFolder(like).config);
  const training = { ...config.training, max_train_steps: 1, checkpointing_steps: 1 };
  createRunFolder(dir, { ...config, training, lpl: { ...config.lpl, enabled: false }, optimizer: { ...config.optimizer, learning_rate: 0, lr_warmup_steps: 0 } });
  const reason = await runTraining(dir, { resume: null, commands: new CommandQueue(), onEvent: (e) => { if (e.type === 'failed') console.error(e.error.message); } });
  if (reason !== 'finished') { rmSync(dir, { recursive: true }); throw new Error(`the untuned model's run ended: ${reason}`); }
}

const rows = (list: { features: number[] }[]): Float64Array[] => list.map((r) => Float64Array.from(r.features));
const distances = (e: Evaluation) => ({ kid: kernelDistance(rows(e.pictures), rows(e.references)), frechet: frechetDistance(rows(e.pictures), rows(e.references)) });

interface Spread { mean: number; std: number; values: number[] }
/** Mean and standard deviation (n − 1) over seeds. */
function spread(values: number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, std: values.length < 2 ? NaN : Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / (values.length - 1)), values };
}

/** One row of eight pictures, as RGB tiles of the model's size. */
async function drawRow(run: string, scratch: string): Promise<string[]> {
  const files: string[] = [];
  const request = {
    run: { dir: run, checkpoint: 'latest', ema: false }, prompts, negative_prompt: '', seeds: [1], precision: 'fp32' as const, backend: 'auto' as const, outputDir: join(scratch, basename(run)), onProgress: () => {},
    options: { sampler: 'euler' as const, num_inference_steps: 25, guidance_scale: 4, guidance_rescale: 0 },
  };
  for await (const { file } of drawPictures(request)) files.push(file);
  return files;
}

async function grid(file: string, pictures: string[][]): Promise<void> {
  const { width = 64, height = 64 } = await sharp(pictures[0]![0]!).metadata(), gap = 4, scale = 2;
  const tiles = await Promise.all(pictures.flatMap((row, y) => row.map(async (path, x) => ({
    input: await sharp(path).resize(width * scale, height * scale, { kernel: 'nearest' }).png().toBuffer(), left: gap + x * (width * scale + gap), top: gap + y * (height * scale + gap),
  }))));
  const size = { width: gap + pictures[0]!.length * (width * scale + gap), height: gap + pictures.length * (height * scale + gap) };
  await sharp({ create: { ...size, channels: 3, background: '#c8c8c8' } }).composite(tiles).webp({ quality: 85 }).toFile(file);
}

const [runs, out] = process.argv.slice(2).map((p) => resolve(p)) as [string, string];
const arms = readdirSync(runs).filter((n) => /^(Baseline|LPL)-\d+$/.test(n)).sort();
if (arms.length === 0) throw new Error(`${runs} holds no runs of the demo: make them with "npm run demo -- --seeds 3 --output_dir ${runs}"`);
await untunedRun(join(runs, 'untuned'), join(runs, arms[0]!));
const measured: Record<string, ReturnType<typeof distances>> = {};
let info: Pick<Evaluation, 'feature_space' | 'app_version'> | undefined, options: Evaluation['options'] | undefined, counts = '';
for (const name of [...arms, 'untuned']) {
  const { evaluation } = await evaluateRun(join(runs, name), options ? { options } : {});
  options ??= evaluation.options;
  info ??= evaluation;
  counts = `${evaluation.pictures.length} pictures against ${evaluation.references.length} held-out ones`;
  measured[name] = distances(evaluation);
  console.log(`${name}: KID ${measured[name].kid.toFixed(4)}, Fréchet ${measured[name].frechet.toFixed(3)}`);
}
const ofArm = (arm: string, key: 'kid' | 'frechet'): Spread => spread(arms.filter((n) => n.startsWith(arm)).map((n) => measured[n]![key]));
const arm = (name: string) => ({ kid: ofArm(name, 'kid'), frechet: ofArm(name, 'frechet') });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'evidence.json'), `${JSON.stringify({ feature_space: info!.feature_space, counts, untuned: measured['untuned'], baseline: arm('Baseline'), lpl: arm('LPL') }, null, 1)}\n`);
const shown = ['untuned', arms.find((n) => n.startsWith('Baseline'))!, arms.find((n) => n.startsWith('LPL'))!];
const drawn: string[][] = [];
for (const name of shown) drawn.push(await drawRow(join(runs, name), join(runs, 'before-after')));
await grid(join(out, 'before-after.webp'), drawn);
console.log(`wrote ${out}`);
