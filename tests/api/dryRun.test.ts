/** The dry run: what it measures on, how it is summed up, and the real engine through the core's door. */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetManifest } from '../../main/contract/datasetManifest.ts';
import { runConfigSchema } from '../../main/contract/runConfig.ts';
import { estimateSchema, type Estimate } from '../../main/contract/runs.ts';
import type { TrainerEvent } from '../../main/contract/trainerEvent.ts';
import { largestBucket, lplShare, summarise, variants, type Measured, type Planned } from '../../main/services/dryRun.ts';
import { times, upkeep, wholeRun } from '../../main/services/dryRunTimes.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { httpCore, remove, temporaryFolder, until, type TestCore } from './helpers.ts';

type Item = DatasetManifest['items'][number];
const item = (id: number, bucket: [number, number], over: Partial<Item> = {}): Item => ({ id, file: `/${id}.png`, name: `${id}.png`, contentHash: String(id), captions: [], repeats: 1, bucket, crop: [0, 0, 1, 1], cropFixed: false, width: 1, height: 1, flip: true, weight: 1, prior: false, split: 'train', ...over });
const manifest = (items: Item[]): DatasetManifest => ({ format: 'lpl-dataset', version: 1, dataset: { id: 'd', name: 'd', versionId: 'v', versionNumber: 1, hash: 'h' }, bucketing: {} as never, background: '#ffffff', items, left_out: [{ name: 'x', reason: 'y' }] });
const steps = (seconds: number[], peak: number): Extract<TrainerEvent, { type: 'step' }>[] => seconds.map((s, i) => ({ n: i, at: 0, type: 'step', step: i + 1, metrics: {}, seconds: s, images_per_s: 1, eta_s: 1, memory: { rss_mb: peak, peak_rss_mb: peak, tensors: 0 } }));

describe('what is measured', () => {
  test('pictures of the bucket with the most pixels, as many as the steps can use', () => {
    const all = manifest([item(1, [64, 64]), item(2, [96, 64]), item(3, [96, 64]), item(4, [128, 128], { split: 'validation' }), item(5, [256, 256], { prior: true }), item(6, [96, 64], { prior: true })]);
    expect(largestBucket(all, 10, 2).items.map((i) => i.id)).toEqual([2, 3, 6, 4]);
    expect(largestBucket(all, 1, 2).items.map((i) => i.id)).toEqual([2, 4]);
    expect(largestBucket(all, 1, 0).items.map((i) => i.id)).toEqual([2]);
  });
  test('the share of samples that take part in LPL follows threshold, bias and start', async () => {
    const share = (config: object): Promise<number> => lplShare(runConfigSchema.parse(config));
    expect(await share({})).toBe(0);
    expect(await share({ lpl: { enabled: true } })).toBeCloseTo(0.2, 9);
    expect(await share({ lpl: { enabled: true, lpl_start: 500 }, training: { max_train_steps: 1000 } })).toBeCloseTo(0.1, 9);
    expect(await share({ lpl: { enabled: true }, diffusion: { timestep_bias_strategy: 'earlier', timestep_bias_multiplier: 3 } })).toBeCloseTo(0.4, 9);
  });
  test('with LPL it runs without and with a known share of the samples; a few pictures are drawn by few steps, once', () => {
    const of = (config: object): unknown => variants(runConfigSchema.parse({ samples: { prompts: ['x'] }, ...config })).map((v) => [v.config.lpl.enabled, v.config.lpl.lpl_t_threshold, v.share, v.config.samples.prompts.length, v.config.samples.num_inference_steps]);
    expect(of({})).toEqual([[false, 200, 0, 1, 3]]);
    expect(of({ lpl: { enabled: true }, training: { train_batch_size: 4 } })).toEqual([[false, 200, 0, 1, 3], [true, 500, 0.5, 0, 25]]);
    expect(of({ lpl: { enabled: true }, training: { train_batch_size: 1 } })).toEqual([[false, 200, 0, 1, 3], [true, 1000, 1, 0, 25]]);
    expect(of({ lpl: { enabled: true, lpl_stratified: true }, training: { train_batch_size: 4 } })).toEqual([[false, 200, 0, 1, 3], [true, 1000, 1, 0, 25]]);
  });
  test('held-out pictures fill a batch, as in a run: small ones are validated sixteen at once', () => {
    const of = (resolution: number, validation: object): unknown => variants(runConfigSchema.parse({ data: { resolution }, validation })).map((v) => [v.config.validation.validation_images, v.config.validation.validation_every > 0]);
    expect(of(64, { validation_every: 5, validation_images: 24 })).toEqual([[16, true]]);
    expect(of(64, { validation_every: 5, validation_images: 6 })).toEqual([[6, true]]);
    expect(of(256, { validation_every: 5 })).toEqual([[4, true]]);
    expect(of(1024, { validation_every: 5 })).toEqual([[2, true]]);
    expect(of(1024, { validation_every: 0 })).toEqual([[2, false]]);
  });
  test('the time of a step lies between those without and with all samples; memory is the most seen', () => {
    const planned = (share: number): Planned => ({ config: runConfigSchema.parse({}), share, total: 100, bucket: [64, 64], available: 1_000, data: { pictures: 5, encoded: 5, buckets: 1, validation: 0 } });
    const timed = (seconds: number[], peak: number, share: number): Measured => ({ steps: steps(seconds, peak), share, events: [], spawned: 0, ended: 0 });
    const plain = summarise([timed([9, 9, 1, 1, 1, 5], 500, 0)], planned(0));
    expect(plain).toMatchObject({ source: 'measured', seconds_per_step: 1, total_seconds: 100, memory_mb: 550, fits: true, time_parts: [{ name: 'Steps', seconds: 100 }] });
    const lpl = summarise([timed([9, 9, 1, 1, 1, 1], 500, 0), timed([9, 9, 2, 2, 2, 2], 1_200, 0.5)], planned(0.2));
    expect(lpl).toMatchObject({ seconds_per_step: 1.4, memory_mb: 1_320, fits: false });
    expect(estimateSchema.parse(lpl).notes.join(' ')).toContain('20 % of the samples');
  });
});

describe('what a run does besides its steps', () => {
  type Body = { type: 'stage'; stage: string; done: number; total: number } | { type: 'sample' | 'validation' | 'checkpoint' } | { type: 'step'; seconds: number };
  const events = (list: [number, Body][]): TrainerEvent[] => list.map(([s, body]) => ({ n: 1, at: s * 1000, ...body }) as never);
  const stage = (name: string, done = 1, total = 1): Body => ({ type: 'stage', stage: name, done, total });
  const step = (seconds: number): Body => ({ type: 'step', seconds });
  const run = events([
    [2, stage('caching_latents', 1, 4)], [5, stage('caching_latents', 4, 4)], [6, stage('compiling')], [8, stage('sampling', 1, 3)], [14, stage('sampling', 3, 3)], [15, { type: 'sample' }], [16, { type: 'validation' }],
    [20, step(4)], [21, step(1)], [25, step(4)], [26, step(1)], [26, stage('saving', 0, 1)], [28, { type: 'checkpoint' }], [31, stage('sampling', 1, 3)], [37, stage('sampling', 3, 3)], [39, { type: 'sample' }], [39, stage('validating')], [43, { type: 'validation' }],
  ]);
  test('each is timed where it has run before; start has neither the caching nor the drawing in it', () => {
    const timed = { spawned: 0, ended: 45_000, events: run };
    // 20 s to the first step, of which 4 were encoding, 8 drawing and validating, 1 a step
    expect(upkeep(timed, timed, 1, { encoded: 4, probes: 2, unseen: 1 }).graphs).toBe(5);
    expect(upkeep(timed, timed, 1, { encoded: 4, probes: 2 })).toEqual({ start: 7, graphs: 2.5, graphsOfBucket: 7, picture: 1, evaluation: 3, decoding: 2, probe: 2, save: 2, finish: 2 });
  });
  test('what the first pictures and the first validation take longer than the next counts once', () => {
    const slow = run.map((e, i) => ({ ...e, at: e.at + (i >= 5 ? 10_000 : 0) + (i >= 6 ? 20_000 : 0) })), timed = { spawned: 0, ended: 75_000, events: slow };
    // 8 s of looking became 38, and the late ones take 12
    expect(upkeep(timed, timed, 1, { encoded: 4, probes: 2 })).toEqual({ start: 7 + 38 - 12, graphs: 2.5, graphsOfBucket: 7, picture: 1, evaluation: 3, decoding: 2, probe: 2, save: 2, finish: 2 });
  });
  test('a whole run counts each as often as it comes', () => {
    expect([times(50, 100), times(50, 101), times(0, 100), times(200, 100)]).toEqual([2, 3, 1, 1]);
    const config = runConfigSchema.parse({ samples: { prompts: ['a', 'b'], seeds: [1], sample_every: 50, num_inference_steps: 10 }, validation: { validation_every: 50, validation_images: 8, validation_bins: 5 }, training: { checkpointing_steps: 60 } });
    const u = { start: 7, graphs: 2, graphsOfBucket: 7, picture: 1, evaluation: 3, decoding: 2, probe: 2, save: 2, finish: 1 };
    const parts = Object.fromEntries(wholeRun(u, 1, 100, config, { pictures: 30, encoded: 10, buckets: 3, validation: 4 }).map((p) => [p.name, p.seconds]));
    expect(parts).toEqual({ 'Start and first steps': 24, 'Encoding the pictures': 20, Steps: 100, 'Sample pictures': 2 * 3 * 32, Validation: 3 * 4 * 5 * 2, Checkpoints: 4 });
  });
});

describe('the real engine', () => {
  let core: TestCore;
  const dataDir = temporaryFolder();
  const [base, dataset] = [join(dataDir, 'model'), join(dataDir, 'pictures')];
  const config = { model: { base }, data: { dataset, resolution: 64 }, lpl: { enabled: true }, training: { train_batch_size: 2 }, samples: { prompts: ['a red heart'] } };
  const dryRuns = (): string[] => { const dir = join(dataDir, 'cache', 'dry-runs'); return existsSync(dir) ? readdirSync(dir) : []; };

  beforeAll(async () => {
    await writeTinyModel(base);
    mkdirSync(dataset);
    const demo = join(import.meta.dirname, '..', '..', 'resources', 'demo', 'blobs', 'train');
    for (const name of readdirSync(demo).sort().slice(0, 8)) cpSync(join(demo, name), join(dataset, name));
    core = await httpCore(dataDir, [], { LPL_TRAINER: '' });
  });
  afterAll(async () => { await core?.close(); remove(dataDir); });

  test('finishes with what it measured, and leaves nothing behind', { timeout: 300_000 }, async () => {
    const { job_id } = await core.call('runs.dryRun', { config });
    const job = await until(async () => { const j = await core.call('jobs.get', { id: job_id }); return j.state !== 'running' && j; }, 'the dry run', 280_000);
    expect(job.error).toBeNull();
    const estimate: Estimate = estimateSchema.parse(job.result);
    expect(estimate.source).toBe('measured');
    expect(estimate.seconds_per_step).toBeGreaterThan(0);
    const parts = new Map(estimate.time_parts.map((p) => [p.name, p.seconds]));
    expect(parts.get('Steps')).toBeCloseTo(estimate.seconds_per_step! * 1_500, 6);
    expect(estimate.total_seconds).toBeCloseTo([...parts.values()].reduce((a, b) => a + b), 6);
    for (const name of ['Start and first steps', 'Sample pictures', 'Checkpoints']) expect(parts.get(name), name).toBeGreaterThan(0);
    expect(estimate.memory_mb).toBeGreaterThan(200);
    expect(dryRuns()).toEqual([]);
    expect(await core.call('runs.list', {})).toEqual([]);
  });
  test('can be cancelled, and the process ends with it', { timeout: 120_000 }, async () => {
    const { job_id } = await core.call('runs.dryRun', { config });
    await until(async () => dryRuns().length > 0, 'its folder');
    await core.call('jobs.cancel', { id: job_id });
    await until(async () => (await core.call('jobs.get', { id: job_id })).state === 'cancelled', 'the end', 60_000);
    await until(async () => dryRuns().length === 0, 'the folder to go');
  });
});
