/** The smaller parts of a comparison: curves from journals, bands, pairing, sharpness, detail crops, distances with their warnings. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { kidEffect, setDistances } from '../../main/compare/analysis/distances.ts';
import { measuresIn, pairedRuns, pairsOf } from '../../main/compare/analysis/measures.ts';
import { configDifferences } from '../../main/compare/configDiff.ts';
import { readCurves, seedBand } from '../../main/compare/curves.ts';
import { evaluationDifferences } from '../../main/compare/evaluationDiff.ts';
import { detailCrops, pictureUri } from '../../main/compare/pictures/embed.ts';
import { sharpnessMeasure, type PictureFacts } from '../../main/compare/pictures/measurePictures.ts';
import type { RunsPort } from '../../main/compare/service/ports.ts';
import { comparisonView } from '../../main/compare/service/view.ts';
import { seededRandom } from '../../main/compare/statistics/resampling.ts';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';
import type { Run } from '../../main/contract/runs.ts';
import type { Evaluation } from '../../main/contract/evaluation.ts';
import { tempDir } from '../engine/train-helpers.ts';

describe('curves', () => {
  const step = (n: number, s: number, seconds: number) => JSON.stringify({ n, at: 1, type: 'step', step: s, seconds, images_per_s: 1, eta_s: null, memory: { rss_mb: 1, peak_rss_mb: 1, tensors: 0 }, metrics: { loss: 9 } });
  const validation = (n: number, s: number, value: number) => JSON.stringify({ n, at: 1, type: 'validation', step: s, metrics: { 'val/loss': value } });
  const started = (n: number, resumed_from: number | null) => JSON.stringify({ n, at: 1, type: 'started', pid: 1, backend: 'tensorflow', version: '2', device: 'CPU', precision: 'fp32', compiled: true, resumed_from, total_steps: 4, config_hash: 'x' });
  it('of a run that went on from a checkpoint count the time once, and repeated steps replace the first ones', async () => {
    const dir = tempDir(), lines = [started(1, null), validation(2, 0, 5), step(3, 1, 2), step(4, 2, 2), validation(5, 2, 4), step(6, 3, 2), validation(7, 3, 99), started(8, 2), step(9, 3, 1), validation(10, 3, 3), step(11, 4, 1), '{"torn'];
    writeFileSync(join(dir, 'events.jsonl'), lines.join('\n'));
    const { curves, steps, seconds } = await readCurves(dir);
    expect(curves.get('val/loss')).toEqual([{ step: 0, seconds: 0, value: 5 }, { step: 2, seconds: 4, value: 4 }, { step: 3, seconds: 5, value: 3 }]);
    expect([steps, seconds]).toEqual([4, 6]);
  });
  it('of several seeds are their mean and extremes at the steps that all have', () => {
    const run = (values: number[], seconds: number) => values.map((value, i) => ({ step: i * 10, seconds: i * seconds, value }));
    expect(seedBand([run([1, 2, 3], 4), run([3, 6], 2)])).toEqual([{ step: 0, seconds: 0, mean: 2, low: 1, high: 3 }, { step: 10, seconds: 3, mean: 4, low: 2, high: 6 }]);
    expect(seedBand([])).toEqual([]);
  });
});

const evaluated = (seed: number, over: Partial<Evaluation> = {}): Evaluation => ({ config: { ...defaultRunConfig(), training: { ...defaultRunConfig().training, seed } }, pictures: [], references: [], reconstructions: [], ...over }) as Evaluation;

describe('pairs', () => {
  it('are trainings of the same seed, or in order where none has the same', () => {
    const [one, two, three, nine] = [1, 2, 3, 9].map((s) => evaluated(s));
    expect(pairedRuns([one!, two!], [two!, three!]).map((p) => p.map((e) => e.config.training.seed))).toEqual([[2, 2]]);
    expect(pairedRuns([one!, two!], [nine!]).map((p) => p.map((e) => e.config.training.seed))).toEqual([[1, 9]]);
  });
  it('are the same picture at the same timestep; what only one arm has is left out', () => {
    const at = (item: string, timestep: number, feature_distance: number) => ({ item, timestep, feature_distance, mse: 0 });
    const first = evaluated(1, { reconstructions: [at('a', 50, 1), at('a', 100, 2), at('b', 50, 3), at('c', 50, 4)] }), second = evaluated(1, { reconstructions: [at('b', 50, 30), at('a', 50, 10)] });
    const measure = measuresIn([first, second]).find((m) => m.id === 'reconstruction_50')!;
    expect(pairsOf(measure, [first], [second])).toEqual([{ cluster: 'a', first: 1, second: 10 }, { cluster: 'b', first: 3, second: 30 }]);
  });
});

it('sharpness is judged by its distance from the held-out pictures, blur and false detail alike', () => {
  const e = evaluated(1, { pictures: ['blurred', 'right', 'sharp'].map((prompt, i) => ({ prompt, prompt_index: i, seed: 1, file: '', features: [], agreement: null })) });
  const facts: PictureFacts = { sharpness: new Map([['1 blurred', 25], ['1 right', 100], ['1 sharp', 400]]), spectrum: null, heldOut: { sharpness: 100, spectrum: [] } };
  expect(sharpnessMeasure(new Map([[e, facts]])).values(e).map((v) => [v.cluster, v.value])).toEqual([['blurred', 2], ['right', 0], ['sharp', 2]]);
});

describe('pictures in a report', () => {
  it('show the same square of every arm at 1:1, where there is most detail', async () => {
    const dir = tempDir(), checks = await sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60">${Array.from({ length: 225 }, (_, i) => `<rect x="${(i % 15) * 4}" y="${Math.floor(i / 15) * 4}" width="2" height="2" fill="black"/>`).join('')}</svg>`)).png().toBuffer();
    const files = await Promise.all([true, false].map(async (detail, i) => {
      const file = join(dir, `${i}.png`);
      await sharp({ create: { width: 400, height: 400, channels: 3, background: '#ffffff' } }).composite(detail ? [{ input: checks, left: 310, top: 20 }] : []).png().toFile(file);
      return file;
    }));
    const crops = (await detailCrops(files))!, shares = await Promise.all(crops.map(async (c) => (await sharp(Buffer.from(c.split(',')[1]!, 'base64')).greyscale().stats()).channels[0]!.mean));
    expect((await sharp(Buffer.from(crops[0]!.split(',')[1]!, 'base64')).metadata()).width).toBe(96);
    expect(shares[0]).toBeLessThan(235);
    expect(shares[1]).toBe(255);
  });
  it('are kept as they are when small, scaled when large, and have no crop when small', async () => {
    const file = async (side: number): Promise<string> => { const path = join(tempDir(), 'p.png'); await sharp({ create: { width: side, height: side, channels: 3, background: '#336699' } }).png().toFile(path); return path; };
    expect(await pictureUri(await file(64))).toMatch(/^data:image\/png;base64,/);
    const large = await pictureUri(await file(1024));
    expect((await sharp(Buffer.from(large.split(',')[1]!, 'base64')).metadata()).width).toBe(512);
    expect(await detailCrops([await file(64), await file(64)])).toBeNull();
  });
});

describe('distances between sets of pictures', () => {
  const random = seededRandom(3), cloud = (n: number, away: number) => Array.from({ length: n }, (_, i) => ({ item: `${i}`, prompt: `${i}`, prompt_index: i, seed: 1, file: '', agreement: null, features: [random() + away, random()] }));
  it('come with their spread over subsets, and a warning where the Fréchet distance has too few pictures', () => {
    const few = setDistances([evaluated(1, { pictures: cloud(19, 1), references: cloud(40, 0) })])!, enough = setDistances([evaluated(1, { pictures: cloud(20, 1), references: cloud(40, 0) })])!;
    expect(few.frechetWarning).toContain('Only 19 pictures for 2 features');
    expect(enough.frechetWarning).toBeNull();
    expect(few.kid.std).toBeGreaterThan(0);
    expect(few.frechet.std).toBeGreaterThan(0);
    expect(few).toMatchObject({ pictures: 19, references: 40, kid: { subsets: 100, subsetSize: 15 } });
  });
  it('are means over trainings, each with a distance of its own', () => {
    const references = cloud(40, 0), [near, far] = [cloud(20, 0), cloud(20, 2)].map((pictures, i) => evaluated(i, { pictures, references }));
    const both = setDistances([near!, far!])!, alone = [near!, far!].map((e) => setDistances([e])!.kid.value);
    expect(both.kid.value).toBeCloseTo((alone[0]! + alone[1]!) / 2, 10);
  });
  it('give no difference for too few held-out pictures, and say how to hold some out', () => {
    const e = evaluated(1, { pictures: cloud(20, 1), references: cloud(7, 0) });
    expect(kidEffect([e], [e], random)).toContain('only 7 pictures out. Hold 8 or more out');
    expect(kidEffect([evaluated(1)], [evaluated(1)], random)).toMatch(/no pictures out\. Hold 8 or more out.*“Validation pictures…”.*subfolder “validation”/);
  });
});

describe('the time left of a comparison', () => {
  const run = (id: string, over: Partial<Run>): Run => ({ id, name: id, state: 'queued', step: 0, total_steps: 100, eta_s: null, ...over }) as Run;
  const left = (runs: Run[], worked: Record<string, number>): number | null => comparisonView({
    row: { id: 'c', name: 'C', config: null, seeds: 1, created_at: 0 }, arms: runs.map((r, i) => ({ id: `a${i}`, comparison_id: 'c', position: i, kind: 'baseline', label: r.id, run_ids: [r.id] })),
    runs: { find: (id: string) => runs.find((r) => r.id === id), get: () => ({ config: defaultRunConfig() }) } as unknown as RunsPort, jobId: null, evaluatedAt: null, trained: (id) => worked[id] ?? 0,
  }).eta_s;
  it('is not told from the first steps after a start or “Go on”, which are mostly start-up', () => {
    expect(left([run('on', { state: 'running', step: 2 }), run('next', {})], { on: 60 })).toBeNull();
  });
  it('takes a run that tells its own time as a whole, start-up once', () => {
    expect(left([run('on', { state: 'running', step: 20, eta_s: 80 }), run('next', {})], { on: 60 })).toBe(80 + 140);
  });
  it('goes by runs that are done, and by those far enough on', () => {
    expect(left([run('done', { state: 'finished', step: 100 }), run('on', { state: 'running', step: 1 })], { done: 200, on: 50 })).toBe(2 * 99);
    expect(left([run('half', { state: 'queued', step: 50 })], { half: 100 })).toBe(100);
  });
});

describe('old runs', () => {
  const samples = defaultRunConfig().samples, at = { step: 10, sha256: 'a', version: '2.20', guidance: 5, held: 'i', prompt: 'p', app: '1', eye: 'x', data: 'h' };
  const of = (over: Partial<typeof at> = {}) => {
    const v = { ...at, ...over }, base = evaluated(1);
    return { ...base, config: { ...base.config, samples: { ...samples, guidance_scale: v.guidance } }, step: v.step, ema: false, base_model: { name: 'm', sha256: v.sha256 }, dataset_hash: v.data, app_version: v.app, feature_space: { id: 'eye', title: 'eye', sha256: v.eye, dimensions: 2 }, engine: { backend: 'tensorflow', version: v.version, device: 'CPU', precision: 'fp32' },
      pictures: [{ prompt: v.prompt, prompt_index: 0, seed: 1, file: '', features: [], agreement: null }], references: [{ item: v.held, file: '', features: [] }] } as Evaluation;
  };
  it.each([['step', { step: 20 }], ['base_model', { sha256: 'b' }], ['dataset_hash', { data: 'g' }], ['sampling', { guidance: 7 }], ['pictures', { prompt: 'q' }], ['references', { held: 'j' }], ['feature_space', { eye: 'y' }], ['engine', { version: '2.21' }], ['app_version', { app: '2' }]])('that differ in %s are told so', (path, over) => {
    expect(evaluationDifferences([[of()], [of(over)]]).map((d) => [d.path, d.intended])).toEqual([[path, false]]);
    expect(evaluationDifferences([[of(), of(over)], [of()]]).map((d) => d.path)).toEqual([path]); // within an arm too
    expect(evaluationDifferences([[of(over)], [of(over)]])).toEqual([]);
  });
  it('with other seeds than the baseline saw other noise: meant in an A/A arm only', () => {
    const configs = [1, 2].map((seed) => ({ ...defaultRunConfig(), training: { ...defaultRunConfig().training, seed } }));
    expect(configDifferences(configs, ['baseline', 'aa'])).toMatchObject([{ path: 'training.seed', intended: true }]);
    expect(configDifferences(configs, ['baseline', 'lpl'])).toMatchObject([{ path: 'training.seed', intended: false }]);
  });
});
