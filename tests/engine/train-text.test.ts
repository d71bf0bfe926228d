/** Runs that train text encoders, or go on from a LoRA that has: what is trained, and that everything drawn and measured uses what was. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunConfigInput } from '../../main/contract/runConfig.ts';
import { readLora } from '../../main/engine/checkpoint/lora/readLora.ts';
import { evaluateRun } from '../../main/engine/evaluation/evaluateRun.ts';
import { exportRun } from '../../main/engine/export.ts';
import { readGroup } from '../../main/engine/run/checkpointFiles.ts';
import { findCheckpoint } from '../../main/engine/run/checkpointStore.ts';
import { drawPictures, type DrawRequest } from '../../main/engine/sampling/drawPictures.ts';
import { openTinyRuns, type Ran, type TinyRuns } from './tinyRuns.ts';
import { tempDir } from './train-helpers.ts';

vi.setConfig({ testTimeout: 600_000 }); // a busy machine is no failure
let runs: TinyRuns;
beforeAll(async () => { runs = await openTinyRuns(); }, 60_000);

const options = { sampler: 'euler', num_inference_steps: 2, guidance_scale: 5, guidance_rescale: 0 } as const, prompt = 'a red apple';
/** Text encoders alone, so that nothing but them can make a difference. */
const textOnly: RunConfigInput = { method: { train_text_encoder: true }, optimizer: { learning_rate: 0, text_encoder_lr: 0.5 }, training: { max_train_steps: 2 }, samples: { prompts: [prompt] } };
const pixels = (file: string): Promise<Buffer> => sharp(file).removeAlpha().raw().toBuffer();
const lastSample = (ran: Ran): Promise<Buffer> => pixels(join(ran.dir, ran.of('sample').findLast((s) => !s.ema)!.file));
const largestDifference = (a: Buffer, b: Buffer): number => a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i]!)), 0);

async function drawn(over: Partial<DrawRequest>): Promise<Buffer> {
  for await (const { file } of drawPictures({ prompts: [prompt], negative_prompt: '', seeds: [1], options, width: 64, height: 64, precision: 'fp32', backend: 'tensorflow-eager', outputDir: tempDir(), onProgress: () => {}, ...over })) return pixels(file);
  throw new Error('nothing was drawn');
}

/** Components whose "up" matrices the newest checkpoint has moved from zero. */
async function moved(dir: string): Promise<string[]> {
  const found = await findCheckpoint(join(dir, 'checkpoints'), 'latest', () => {}), names = new Set<string>();
  await readGroup(found!.dir, 'weights', (name, _shape, values) => { if (name.endsWith('.up') && values.some((v) => v !== 0)) names.add(name.split('.')[1]!); });
  return [...names].sort();
}
const unetConfig = (): Record<string, unknown> => JSON.parse(readFileSync(join(runs.base, 'unet', 'config.json'), 'utf8')) as Record<string, unknown>;

describe('trained text encoders', () => {
  let ran: Ran;
  beforeAll(async () => { ran = await runs.train(textOnly); }, 600_000);

  test('learn at their own rate, whatever the UNet\'s', async () => {
    expect(ran.of('failed')).toEqual([]);
    expect(await moved(ran.dir)).toEqual(['text_encoder', 'text_encoder_2']);
    expect(largestDifference(await lastSample(ran), await drawn({ model: runs.base }))).toBeGreaterThan(2); // else the tests below show nothing
  });
  test('are what a checkpoint and the exported file draw with', async () => {
    const during = await lastSample(ran);
    expect(largestDifference(await drawn({ run: { dir: ran.dir, checkpoint: 'latest', ema: false } }), during)).toBeLessThanOrEqual(1);
    const { file } = await exportRun(ran.dir, { checkpoint: 'latest', ema: false, dtype: 'F32' });
    expect(largestDifference(await drawn({ model: runs.base, lora: { file, strength: 1 } }), during)).toBeLessThanOrEqual(1);
  });
  test('are what the run is evaluated with', async () => {
    const { folder, evaluation } = await evaluateRun(ran.dir, { options: { prompts: 1, seeds: 1 } });
    expect(largestDifference(await pixels(join(folder, evaluation.pictures[0]!.file)), await lastSample(ran))).toBeLessThanOrEqual(1);
  });
  test('stay as they are, and applied, in a run that goes on with the UNet alone', async () => {
    const { file } = await exportRun(ran.dir, { checkpoint: 'latest', ema: false, dtype: 'F32' });
    const further = await runs.train({ model: { lora: file }, optimizer: { learning_rate: 0 }, training: { max_train_steps: 1, use_ema: true }, samples: { prompts: [prompt] } });
    expect(further.of('failed')).toEqual([]);
    expect(largestDifference(await lastSample(further), await lastSample(ran))).toBeLessThanOrEqual(1);
    expect(await moved(further.dir)).toEqual(['text_encoder', 'text_encoder_2']);
    const again = await readLora(join(further.dir, further.of('export')[0]!.file), unetConfig());
    expect([...again.layers.keys()].sort()).toEqual(['text_encoder', 'text_encoder_2', 'unet']);
  });
});

describe('which parts a run trains', () => {
  test('UNet and text encoders together, with EMA and dropout; the file goes on', async () => {
    const ran = await runs.train({ method: { train_text_encoder: true, dropout: 0.3 }, training: { max_train_steps: 3, use_ema: true }, samples: { prompts: [prompt] } });
    expect(ran.of('sample')).toHaveLength(4);
    const file = join(ran.dir, ran.of('export')[0]!.file), lora = await readLora(file, unetConfig());
    for (const component of ['unet', 'text_encoder', 'text_encoder_2'] as const) expect([...lora.layers.get(component)!.values()].some((l) => l.up.data.some((v) => v !== 0)), component).toBe(true);
    expect((await runs.train({ model: { lora: file }, method: { train_text_encoder: true }, training: { max_train_steps: 1 } })).reason).toBe('finished');
  });
  test('the UNet alone at a text encoder rate of zero; a LoRA of the UNet gets text encoder layers when they are to be trained', async () => {
    const ran = await runs.train({ method: { train_text_encoder: true }, optimizer: { text_encoder_lr: 0, lr_scheduler: 'polynomial' }, training: { max_train_steps: 2 } });
    expect(await moved(ran.dir)).toEqual(['unet']);
    const plain = await runs.train({ training: { max_train_steps: 1 } }), file = join(plain.dir, plain.of('export')[0]!.file);
    const further = await runs.train({ model: { lora: file }, method: { train_text_encoder: true }, training: { max_train_steps: 1 } });
    expect(further.of('failed')).toEqual([]);
    expect(await moved(further.dir)).toEqual(['text_encoder', 'text_encoder_2', 'unet']);
  });
});
