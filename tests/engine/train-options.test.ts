/** Options of a run, each seen to reach the training: whole runs on the tiny model, their numbers compared with the same run without the option. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunConfigInput } from '../../main/contract/runConfig.ts';
import { readLora } from '../../main/engine/checkpoint/lora/readLora.ts';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { writeTinyModel } from './tinyModel.ts';
import { openTinyRuns, type Ran, type TinyRuns } from './tinyRuns.ts';
import { picture, pictureFolder, tempDir } from './train-helpers.ts';

vi.setConfig({ testTimeout: 600_000 }); // a busy machine is no failure
let runs: TinyRuns, plain: number[];
beforeAll(async () => {
  runs = await openTinyRuns();
  plain = losses(await runs.train({ training: { max_train_steps: 2 } }));
}, 600_000);

const metric = (ran: Ran, name: string): number[] => { expect(ran.of('failed')).toEqual([]); return ran.of('step').map((e) => e.metrics[name]!); };
const losses = (ran: Ran): number[] => metric(ran, 'loss');
const two = async (over: RunConfigInput): Promise<Ran> => runs.train({ ...over, training: { max_train_steps: 2, ...over.training } });
const near = (a: readonly number[], b: readonly number[], tolerance: number): void => { expect(a).toHaveLength(b.length); a.forEach((v, i) => expect(Math.abs(v / b[i]! - 1)).toBeLessThan(tolerance)); };
const LPL = { enabled: true, lpl_t_threshold: 1000, lpl_num_blocks: 2 } as const;

describe('change what is trained on', () => {
  test.each([
    ['noise offset', { diffusion: { noise_offset: 0.5 } }], ['min-SNR', { diffusion: { snr_gamma: 0.5 } }], ['later timesteps', { diffusion: { timestep_bias_strategy: 'later', timestep_bias_multiplier: 50 } }],
    ['empty captions', { data: { proportion_empty_prompts: 1 } }], ['sample prediction', { diffusion: { prediction_type: 'sample' } }], ['another seed', { training: { seed: 7 } }], ['mean latents', { data: { latents: 'mean' } }],
  ] as [string, RunConfigInput][])('%s', async (_name, over) => { expect(losses(await two(over))[0]).not.toBeCloseTo(plain[0]!, 5); });

  test('latents that are not cached are the same ones', async () => { near(losses(await two({ data: { cache_latents: false } })), plain, 1e-6); });
  test('random crops', async () => {
    const wide = tempDir();
    for (const i of [0, 1]) await picture(join(wide, `p${i}.png`), 128, 64, i * 40);
    const over: RunConfigInput = { data: { dataset: wide, buckets: false } };
    const [centre, random] = [losses(await two(over)), losses(await two({ data: { ...over.data, crop: 'random' } }))];
    expect(random).not.toEqual(centre);
  });
  test('a prior-preservation set counts by its weight, in both losses', async () => {
    const prior = await pictureFolder(2), over = (prior_loss_weight: number): RunConfigInput => ({ data: { prior_dataset: prior, prior_loss_weight, latents: 'mean' }, lpl: LPL, training: { max_train_steps: 8, checkpointing_steps: 8 } });
    const none = await runs.train(over(0)), half = await runs.train(over(0.5));
    const silent = metric(none, 'diffusion_loss').map((v) => v === 0);
    expect(silent.filter(Boolean)).toHaveLength(4); // two pictures twice among four
    expect(metric(none, 'lpl_loss').map((v) => v === 0)).toEqual(silent);
    expect(metric(half, 'diffusion_loss').every((v) => v > 0)).toBe(true);
  });
  test('zero terminal SNR with v-prediction and LPL at every timestep stays finite; with noise prediction it is refused', async () => {
    const ran = await two({ diffusion: { zero_terminal_snr: true, prediction_type: 'v_prediction', snr_gamma: 5, timestep_bias_strategy: 'range', timestep_bias_begin: 0, timestep_bias_end: 999, timestep_bias_multiplier: 0 }, lpl: LPL });
    expect(losses(ran).every(Number.isFinite)).toBe(true); // only t = 999, where the SNR is 0
    expect((await two({ diffusion: { zero_terminal_snr: true, prediction_type: 'epsilon' } })).of('failed')[0]!.error.code).toBe('config.zero_snr_epsilon');
  });
});

describe('change how long, how fast, how often', () => {
  test('epochs instead of steps; a learning rate scaled by the batch; only so many checkpoints kept', async () => {
    const ran = await runs.train({ optimizer: { learning_rate: 1e-3, scale_lr: true }, training: { num_train_epochs: 3, train_batch_size: 2, gradient_accumulation_steps: 2, checkpoints_total_limit: 2 } });
    expect(metric(ran, 'lr')).toEqual([4e-3, 4e-3, 4e-3]);
    expect(readdirSync(join(ran.dir, 'checkpoints')).sort()).toEqual(['step-00000002', 'step-00000003']);
  });
  test('a LoRA too small for half precision is exported in full precision, and said to be', async () => {
    const ran = await two({ optimizer: { learning_rate: 1e-9 } });
    expect([ran.reason, ran.of('export').length, ran.of('warning').map((w) => w.code)]).toEqual(['finished', 1, ['export.full_precision']]);
    expect((await SafetensorsFile.open(join(ran.dir, ran.of('export')[0]!.file))).tensors.values().next().value!.dtype).toBe('F32');
  });
  test('weight decay, betas and the largest gradient norm reach the optimizer', async () => {
    const last = async (optimizer: RunConfigInput['optimizer']): Promise<number> => losses(await runs.train({ optimizer: { learning_rate: 0.1, ...optimizer } }))[2]!;
    const usual = await last({});
    for (const other of [{ adam_weight_decay: 5 }, { adam_beta1: 0.1 }, { adam_beta2: 0.2 }, { adam_epsilon: 0.5 }, { optimizer: 'adafactor' as const }]) expect(await last(other), JSON.stringify(other)).not.toBe(usual);
    const full = async (optimizer: 'adamw' | 'adamw8bit'): Promise<number> => losses(await runs.train({ method: { type: 'full' }, optimizer: { optimizer, learning_rate: 1e-3 }, training: { checkpointing_steps: 3 } }))[2]!;
    expect(await full('adamw8bit')).not.toBe(await full('adamw')); // a LoRA's tensors are too small to be quantised
    expect(await last({ max_grad_norm: 1e-9, adam_epsilon: 1e-3 })).not.toBe(await last({ max_grad_norm: 0, adam_epsilon: 1e-3 }));
  });
});

describe('the Latent Perceptual Loss', () => {
  test('starts at its step; its image form compares one layer', async () => {
    const ran = await two({ lpl: { ...LPL, lpl_start: 1, lpl_feature_type: 'image' } });
    expect(metric(ran, 'lpl_samples')).toEqual([0, 1]);
    const last = ran.of('step')[1]!.metrics;
    expect([last['lpl/layer_0']! > 0, 'lpl/layer_1' in last]).toEqual([true, false]);
  });
  test('its weight counts; stratified timesteps put the expected share below the threshold', async () => {
    const [one, three] = [await two({ lpl: LPL }), await two({ lpl: { ...LPL, lpl_weight: 3 } })];
    near(metric(three, 'lpl_weighted_loss').slice(0, 1), metric(one, 'lpl_weighted_loss').slice(0, 1).map((v) => 3 * v), 1e-5);
    const ran = await two({ lpl: { ...LPL, lpl_t_threshold: 250, lpl_stratified: true }, training: { train_batch_size: 4 } });
    expect(metric(ran, 'lpl_samples')).toEqual([1, 1]);
  });
});

describe('memory and precision', () => {
  test('recomputing activations in UNet, text encoders and LPL decoder changes no number', async () => {
    const over: RunConfigInput = { method: { train_text_encoder: true }, lpl: LPL };
    near(losses(await two({ ...over, lpl: { ...LPL, lpl_gradient_checkpointing: true }, training: { gradient_checkpointing: true } })), losses(await two(over)), 1e-5);
  });
  test('frozen weights in half precision: near, not equal', async () => {
    for (const frozen_precision of ['bf16', 'fp16'] as const) {
      const half = losses(await two({ training: { frozen_precision } }));
      near(half, plain, 0.05);
      expect(half).not.toEqual(plain);
    }
  });
  test('compiled in fp16 with an EMA: near float32', async () => {
    near(losses(await two({ training: { backend: 'tensorflow', precision: 'fp16', use_ema: true } })), plain, 0.02);
  });
});

describe('Stable Diffusion 1.5', () => {
  test('trains UNet and text encoder with LPL, draws without guidance, and its LoRA reads back', async () => {
    const base = await writeTinyModel(join(tempDir(), 'sd15'), { kind: 'sd15' });
    const ran = await two({ model: { base }, method: { train_text_encoder: true, targets: 'attention+ff+conv' }, lpl: LPL, samples: { prompts: ['a red apple'], sampler: 'lcm', guidance_scale: 1 } });
    expect(losses(ran).every(Number.isFinite)).toBe(true);
    expect(ran.of('sample')).toHaveLength(2);
    const lora = await readLora(join(ran.dir, ran.of('export')[0]!.file), JSON.parse(readFileSync(join(base, 'unet', 'config.json'), 'utf8')));
    expect([...lora.layers.keys()].sort()).toEqual(['text_encoder', 'unet']);
    expect([...lora.layers.get('unet')!.keys()]).toContain('down_blocks.1.attentions.0.proj_in');
  });
});
