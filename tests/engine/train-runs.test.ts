/** Whole runs on a tiny model: what is refused and how, what is warned of, and what commands do. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunConfigInput } from '../../main/contract/runConfig.ts';
import { openTensorCache } from '../../main/engine/data/tensorCache.ts';
import { exportRun } from '../../main/engine/export.ts';
import { readLora } from '../../main/engine/checkpoint/lora/readLora.ts';
import { readText } from '../../main/engine/sampling/png.ts';
import { writeTinyModel } from './tinyModel.ts';
import { go, openTinyRuns, type TinyRuns } from './tinyRuns.ts';
import { pictureFolder, tempDir } from './train-helpers.ts';

vi.setConfig({ testTimeout: 600_000 }); // a busy machine is no failure
let base = '', newRun: TinyRuns['newRun'], train: TinyRuns['train'];
beforeAll(async () => { ({ base, newRun, train } = await openTinyRuns()); }, 60_000);

describe('refused before time is spent', () => {
  const refused = async (over: RunConfigInput, code: string): Promise<void> => {
    const ran = await train(over);
    expect(ran.reason).toBe('bad_input');
    expect(ran.of('failed')[0]).toMatchObject({ reason: 'bad_input', error: { code }, last_checkpoint: null });
    expect(ran.of('failed')[0]!.error.hint.length).toBeGreaterThan(10);
    expect(ran.of('step')).toEqual([]);
    expect(ran.of('stage').map((e) => e.stage).filter((s) => s !== 'reading_data' && s !== 'starting_engine')).toEqual([]);
  };
  test('an empty folder', () => refused({ data: { dataset: tempDir() } }, 'data.no_images'));
  test('no data set, no model', async () => {
    await refused({ data: { dataset: '' } }, 'data.none_chosen');
    await refused({ model: { base: '' } }, 'model.none_chosen');
  });
  test('a model that is not there', () => refused({ model: { base: '/no/such/model' } }, 'file.not_found'));
  test('a prior set that is not there: before the other one is read', async () => {
    const ran = await train({ data: { prior_dataset: '/no/such/folder' } });
    expect(ran.of('failed')[0]!.error).toMatchObject({ code: 'data.folder_missing', message: expect.stringContaining('/no/such/folder') });
    expect(ran.of('stage').map((e) => e.stage)).not.toContain('reading_data');
  });
  test('pictures that cannot be opened: the hint is about them, not about their size', async () => {
    const broken = tempDir();
    writeFileSync(join(broken, 'a.png'), 'no picture');
    expect((await train({ data: { dataset: broken } })).of('failed')[0]!.error).toMatchObject({ code: 'data.no_training_pictures', message: expect.stringContaining('a.png'), hint: expect.stringContaining('can be opened') });
  });
  test('pictures that are all too small', () => refused({ data: { resolution: 512 } }, 'data.no_training_pictures'));
  test('a UNet with a value that is not a number: before pictures and captions are encoded', async () => {
    const broken = await writeTinyModel(join(tempDir(), 'broken'), { spoil: (weights) => { weights.get('conv_in.bias')![2] = NaN; } });
    const ran = await train({ model: { base: broken } });
    expect(ran.of('failed')[0]!.error).toMatchObject({ code: 'model.nan_weights', message: expect.stringContaining('conv_in.bias') });
    expect(ran.of('stage').map((e) => e.stage)).not.toContain('caching_latents');
  });
  test('a LoRA pattern that matches nothing', () => refused({ method: { targets: 'pattern', target_pattern: 'nothing_like_this' } }, 'config.no_lora_layers'));
});

test('the first event says what computes and why', async () => {
  const ran = await train({ training: { max_train_steps: 1, backend: 'cpu', precision: 'bf16' } });
  expect(ran.events[0]).toMatchObject({ n: 1, type: 'stage', stage: 'starting_engine', text: expect.stringMatching(/on the CPU, op by op, in fp32: "cpu" was asked for; bf16 was asked for/) });
});

test('LPL that no step trains is said before the first one', async () => {
  const of = async (lpl: object): Promise<string[]> => (await train({ lpl: { enabled: true, ...lpl }, training: { max_train_steps: 2, train_batch_size: 1 } })).of('warning').flatMap((w) => (w.code === 'lpl.no_step' ? [w.message] : []));
  expect(await of({ lpl_t_threshold: 1 })).toEqual([expect.stringMatching(/none of this run's 2 steps.*below the threshold of 1\. Turn on stratified/)]);
  expect(await of({ lpl_start: 2 })).toEqual([expect.stringContaining('it begins with step 2. Let it begin sooner')]);
  expect(await of({ lpl_t_threshold: 999 })).toEqual([]);
});

test('a model folder without a scheduler: what is assumed is said', async () => {
  const model = await writeTinyModel(join(tempDir(), 'model'));
  rmSync(join(model, 'scheduler'), { recursive: true });
  const ran = await train({ model: { base: model }, training: { max_train_steps: 1 } });
  expect([ran.reason, ran.of('warning').find((w) => w.code === 'model.no_scheduler')?.message]).toEqual(['finished', expect.stringContaining('epsilon prediction')]);
  expect((await train({ training: { max_train_steps: 1 } })).of('warning').map((w) => w.code)).not.toContain('model.no_scheduler');
});

describe('data that is odd but can be trained on', () => {
  test('one picture without a caption, another broken, a caption of 10,000 characters', async () => {
    const odd = await pictureFolder(1);
    writeFileSync(join(odd, 'p0.txt'), 'long '.repeat(2000));
    writeFileSync(join(odd, 'broken.png'), readFileSync(join(odd, 'p0.png')).subarray(0, 200));
    const ran = await train({ data: { dataset: odd }, training: { max_train_steps: 1 } });
    expect(ran.reason).toBe('finished');
    expect(ran.of('warning').map((w) => w.code)).toEqual(expect.arrayContaining(['data.one_picture', 'data.long_caption']));
    expect(ran.of('excluded')).toMatchObject([{ item: 'broken.png', reason: expect.stringContaining('cannot be read') }]);
    expect(JSON.parse(readFileSync(join(ran.dir, 'dataset.json'), 'utf8')).left_out).toHaveLength(1);
  });
});

describe('a non-finite batch', () => {
  test('stops before the weights change, naming step, picture and last checkpoint', async () => {
    const shared = process.env['LPL_CACHE'];
    process.env['LPL_CACHE'] = tempDir();
    const set = await pictureFolder(1), dir = newRun({ data: { dataset: set }, training: { max_train_steps: 4 } });
    const ran = await go(dir, (e, commands) => { if (e.type === 'step' && e.step === 2) commands.push({ type: 'pause' }); });
    expect(ran.reason).toBe('paused');
    const latents = join(process.env['LPL_CACHE'], 'latents'), file = (readdirSync(latents, { recursive: true }) as string[]).find((f) => f.endsWith('.safetensors'))!;
    const key = file.split('/').at(-1)!.replace('.safetensors', ''), cache = openTensorCache({ dir: latents, memoryBytes: 0 });
    const posterior = await cache.get(key, () => { throw new Error('not there'); });
    posterior['mean']!.data[5] = NaN;
    await cache.put(key, posterior);
    const again = await go(dir);
    expect(again.reason).toBe('non_finite');
    expect(again.of('failed')[0]).toMatchObject({ reason: 'non_finite', last_checkpoint: 'step-00000002', error: { code: 'train.non_finite', message: expect.stringMatching(/step 3, on p0\.png/) } });
    expect(again.of('checkpoint')).toEqual([]);
    process.env['LPL_CACHE'] = shared;
  });
});

describe('commands', () => {
  test('draw now, new prompts, pause; then resume to the end, with an export that reads back', async () => {
    const dir = newRun({ samples: { prompts: ['a red apple'] }, training: { max_train_steps: 4, use_ema: true } });
    const first = await go(dir, (e, commands) => {
      if (e.type !== 'step' || e.step !== 2) return;
      commands.push({ type: 'set_prompts', prompts: ['a blue ball', 'a cat'], negative_prompt: 'dark' });
      commands.push({ type: 'sample_now' });
      commands.push({ type: 'pause' });
    });
    expect(first.reason).toBe('paused');
    expect(first.of('finished')[0]).toMatchObject({ reason: 'paused', step: 2 });
    expect(first.of('sample').map((s) => [s.step, s.prompt, s.ema])).toEqual([
      [0, 'a red apple', false], [0, 'a red apple', true], [2, 'a blue ball', false], [2, 'a cat', false], [2, 'a blue ball', true], [2, 'a cat', true],
    ]);
    const sample = first.of('sample')[2]!, texts = readText(readFileSync(join(dir, sample.file)));
    expect(texts['parameters']).toContain('a blue ball\nNegative prompt: dark\nSteps: 2, Sampler: euler, CFG scale: 5, Seed: 1, Size: 64x64');
    expect(JSON.parse(texts['lpl-studio']!)).toMatchObject({ step: 2, prompt: 'a blue ball' });

    writeFileSync(join(dir, 'run.json'), JSON.stringify({ name: 'Red apples: 2nd try/' }));
    const second = await go(dir);
    expect(second.reason).toBe('finished');
    expect(second.of('export').map((e) => e.file)).toEqual(['exports/Red-apples-2nd-try-4.safetensors', 'exports/Red-apples-2nd-try-4-ema.safetensors']);
    expect(second.of('started')[0]).toMatchObject({ resumed_from: 2, total_steps: 4 });
    expect(second.of('step').map((e) => e.step)).toEqual([3, 4]);
    expect(second.of('sample').map((s) => [s.step, s.prompt, s.negative_prompt])).toEqual(Array(2).fill([[4, 'a blue ball', 'dark'], [4, 'a cat', 'dark']]).flat());
    expect(second.of('export').map((e) => e.format)).toEqual(['lora-kohya', 'lora-kohya']);
    for (const form of ['kohya', 'kohya-diffusers', 'diffusers'] as const) {
      const done = await exportRun(dir, { checkpoint: 'step-00000003', ema: true, form, dtype: 'F32' });
      expect((await readLora(done.file, JSON.parse(readFileSync(join(base, 'unet', 'config.json'), 'utf8')))).rank).toBe(2);
    }
  });
  test('stop without saving keeps the last checkpoint only', async () => {
    const dir = newRun({ training: { checkpointing_steps: 2, max_train_steps: 9 } });
    const ran = await go(dir, (e, commands) => { if (e.type === 'step' && e.step === 3) commands.push({ type: 'stop', save: false }); });
    expect([ran.reason, readdirSync(join(dir, 'checkpoints'))]).toEqual(['stopped', ['step-00000002']]);
  });
  test('two processes cannot train one folder', async () => {
    const dir = newRun();
    writeFileSync(join(dir, 'run.lock'), String(process.ppid));
    expect((await go(dir)).of('failed')[0]!.error.code).toBe('run.already_running');
  });
});

describe('all weights', () => {
  test('full fine-tuning with accumulation and validation; exported folder opens and has changed weights', async () => {
    const set = await pictureFolder(3);
    mkdirSync(join(set, 'validation'));
    writeFileSync(join(set, 'validation', 'v.png'), readFileSync(join(set, 'p2.png')));
    const ran = await train({
      data: { dataset: set }, method: { type: 'full' }, training: { max_train_steps: 2, gradient_accumulation_steps: 2 }, lpl: { enabled: true, lpl_t_threshold: 1000, lpl_num_blocks: 1 },
      validation: { validation_every: 2, validation_bins: 5 },
    });
    expect(ran.reason).toBe('finished');
    expect(ran.of('step')[0]!.metrics).toMatchObject({ lpl_samples: 2, lpl_share: 1 });
    const [before, after] = ran.of('validation').map((e) => e.metrics);
    expect(Object.keys(before!)).toEqual(Object.keys(after!));
    expect(before!['val/loss']).not.toBe(after!['val/loss']);
    const done = await exportRun(ran.dir, { checkpoint: 'latest', ema: false, dtype: 'F32' });
    const again = await train({ model: { base: done.file }, training: { max_train_steps: 1 } });
    expect(again.reason).toBe('finished');
  });
});

describe('LoRA dropout', () => {
  test('dropout is the same again in a repeated run, and not none', async () => {
    const loss = async (dropout: number): Promise<number[]> => (await train({ method: { dropout }, optimizer: { learning_rate: 0.1 } })).of('step').map((e) => e.metrics['loss']!);
    const [first, second, none] = [await loss(0.5), await loss(0.5), await loss(0)];
    expect(second).toEqual(first);
    expect(first[0]).toBe(none![0]); // up is zero at first
    expect(first.slice(1)).not.toEqual(none!.slice(1));
  });
});

describe('target features that are kept', () => {
  test('a run that feeds kept targets computes the same losses as one that computes them in every step', async () => {
    for (const norm of ['shared', 'default', 'standardize'] as const) {
      const losses = async (mb: number): Promise<number[]> => (await train({
        data: { latents: 'mean' }, lpl: { enabled: true, lpl_t_threshold: 1000, lpl_norm_type: norm, lpl_cache_mb: mb }, training: { max_train_steps: 2, train_batch_size: 2 },
      })).of('step').map((e) => e.metrics['lpl_loss']!);
      const [kept, computed] = [await losses(100), await losses(0)];
      expect(kept).toHaveLength(2);
      kept!.forEach((v, i) => expect(Math.abs(v / computed![i]! - 1), norm).toBeLessThan(1e-4));
    }
  });
});

describe('pause and resume', () => {
  test.each([
    ['adamw8bit, full, accumulated', { method: { type: 'full' }, optimizer: { optimizer: 'adamw8bit', learning_rate: 1e-4 }, training: { gradient_accumulation_steps: 2, use_ema: true } }],
    ['adafactor, schedule with warm-up, dropout', { method: { dropout: 0.2 }, optimizer: { optimizer: 'adafactor', learning_rate: 1e-3, lr_scheduler: 'cosine', lr_warmup_steps: 2 }, training: {} }],
  ] as [string, RunConfigInput][])('%s: the same bits as without', async (_name, over) => {
    const longer = { ...over, training: { ...over.training, max_train_steps: 3 } };
    const whole = await train(longer), dir = newRun(longer);
    await go(dir, (e, commands) => { if (e.type === 'step' && e.step === 1) commands.push({ type: 'pause' }); });
    expect((await go(dir)).reason).toBe('finished');
    const files = (d: string): unknown => JSON.parse(readFileSync(join(d, 'checkpoints', 'step-00000003', 'manifest.json'), 'utf8')).files;
    expect(Object.keys(files(dir) as object)).toContain('optimizer.safetensors');
    expect(files(dir)).toEqual(files(whole.dir));
  });
});
