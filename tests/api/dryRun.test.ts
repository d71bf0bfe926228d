/** The dry run: what it measures on, how it is summed up, and the real engine through the core's door. */
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetManifest } from '../../main/contract/datasetManifest.ts';
import { runConfigSchema } from '../../main/contract/runConfig.ts';
import { estimateSchema, type Estimate } from '../../main/contract/runs.ts';
import type { TrainerEvent } from '../../main/contract/trainerEvent.ts';
import { largestBucket, lplShare, summarise, variants } from '../../main/services/dryRun.ts';
import { writeTinyModel } from '../engine/tinyModel.ts';
import { httpCore, remove, temporaryFolder, until, type TestCore } from './helpers.ts';

type Item = DatasetManifest['items'][number];
const item = (id: number, bucket: [number, number], over: Partial<Item> = {}): Item => ({ id, file: `/${id}.png`, name: `${id}.png`, contentHash: String(id), captions: [], repeats: 1, bucket, crop: [0, 0, 1, 1], cropFixed: false, width: 1, height: 1, flip: true, weight: 1, prior: false, split: 'train', ...over });
const manifest = (items: Item[]): DatasetManifest => ({ format: 'lpl-dataset', version: 1, dataset: { id: 'd', name: 'd', versionId: 'v', versionNumber: 1, hash: 'h' }, bucketing: {} as never, background: '#ffffff', items, left_out: [{ name: 'x', reason: 'y' }] });
const steps = (seconds: number[], peak: number): Extract<TrainerEvent, { type: 'step' }>[] => seconds.map((s, i) => ({ n: i, at: 0, type: 'step', step: i + 1, metrics: {}, seconds: s, images_per_s: 1, eta_s: 1, memory: { rss_mb: peak, peak_rss_mb: peak, tensors: 0 } }));

describe('what is measured', () => {
  test('pictures of the bucket with the most pixels, as many as the steps can use', () => {
    const all = manifest([item(1, [64, 64]), item(2, [96, 64]), item(3, [96, 64]), item(4, [128, 128], { split: 'validation' }), item(5, [256, 256], { prior: true }), item(6, [96, 64], { prior: true })]);
    expect(largestBucket(all, 10).items.map((i) => i.id)).toEqual([2, 3, 6]);
    expect(largestBucket(all, 1).items.map((i) => i.id)).toEqual([2]);
  });
  test('the share of samples that take part in LPL follows threshold, bias and start', async () => {
    const share = (config: object): Promise<number> => lplShare(runConfigSchema.parse(config));
    expect(await share({})).toBe(0);
    expect(await share({ lpl: { enabled: true } })).toBeCloseTo(0.2, 9);
    expect(await share({ lpl: { enabled: true, lpl_start: 500 }, training: { max_train_steps: 1000 } })).toBeCloseTo(0.1, 9);
    expect(await share({ lpl: { enabled: true }, diffusion: { timestep_bias_strategy: 'earlier', timestep_bias_multiplier: 3 } })).toBeCloseTo(0.4, 9);
  });
  test('with LPL it runs without and with a known share of the samples, and never draws pictures', () => {
    const of = (config: object): unknown => variants(runConfigSchema.parse({ samples: { prompts: ['x'] }, ...config })).map((v) => [v.config.lpl.enabled, v.config.lpl.lpl_t_threshold, v.share, v.config.samples.prompts.length]);
    expect(of({})).toEqual([[false, 200, 0, 0]]);
    expect(of({ lpl: { enabled: true }, training: { train_batch_size: 4 } })).toEqual([[false, 200, 0, 0], [true, 500, 0.5, 0]]);
    expect(of({ lpl: { enabled: true }, training: { train_batch_size: 1 } })).toEqual([[false, 200, 0, 0], [true, 1000, 1, 0]]);
    expect(of({ lpl: { enabled: true, lpl_stratified: true }, training: { train_batch_size: 4 } })).toEqual([[false, 200, 0, 0], [true, 1000, 1, 0]]);
  });
  test('the time of a step lies between those without and with all samples; memory is the most seen', () => {
    const plain = summarise([{ steps: steps([9, 9, 1, 1, 1, 5], 500), share: 0 }], 0, 100, [64, 64], 1_000);
    expect(plain).toMatchObject({ source: 'measured', seconds_per_step: 1, total_seconds: 100, memory_mb: 500, fits: true });
    const lpl = summarise([{ steps: steps([9, 9, 1, 1, 1, 1], 500), share: 0 }, { steps: steps([9, 9, 2, 2, 2, 2], 1_200), share: 0.5 }], 0.2, 100, [64, 64], 1_000);
    expect(lpl).toMatchObject({ seconds_per_step: 1.4, memory_mb: 1_200, fits: false });
    expect(estimateSchema.parse(lpl).notes.join(' ')).toContain('20 % of the samples');
  });
});

describe('the real engine', () => {
  let core: TestCore;
  const dataDir = temporaryFolder();
  const [base, dataset] = [join(dataDir, 'model'), join(dataDir, 'pictures')];
  const config = { model: { base }, data: { dataset, resolution: 64 }, lpl: { enabled: true }, training: { train_batch_size: 2 } };
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
    expect(estimate.total_seconds).toBeCloseTo(estimate.seconds_per_step! * 1_500, 6);
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
