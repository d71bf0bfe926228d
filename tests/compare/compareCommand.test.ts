/** `lpl compare` on finished runs: identical arms are called so, and the report holds everything. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compare } from '../../main/cli/compare.ts';
import { groupRuns } from '../../main/compare/groupRuns.ts';
import type { Output } from '../../main/cli/output.ts';
import { tempDir } from '../engine/train-helpers.ts';
import { tinyConfig, tinyRun, tinySetup } from './tinyRuns.ts';

const said: string[] = [], data: { type: string; total?: number; done?: number }[] = [];
const output: Output = { json: true, data: (v) => data.push(v as never), line: (l) => said.push(l), text: (l) => said.push(l), result: (l) => said.push(l), progress: () => {}, error: (e) => { throw e; } };
let html = '', json: { arms: { label: string; kind: string }[]; analysis: { identical: string[] }; charts: { title: string }[]; differences: { path: string }[] };

beforeAll(async () => {
  const setup = await tinySetup();
  const validation = { validation_every: 1, validation_images: 1, validation_bins: 8 };
  const runs = [await tinyRun(setup, 'plain', { validation }), await tinyRun(setup, 'same', { validation }), await tinyRun(setup, 'with-lpl', { validation, lpl: { enabled: true } })];
  const report = join(tempDir(), 'report.html');
  await compare(output, runs, { report, prompts: 2, seeds: 1, reconstructions: 1 });
  html = readFileSync(report, 'utf8');
  json = JSON.parse(readFileSync(report.replace('.html', '.json'), 'utf8')) as typeof json;
}, 400_000);

describe('lpl compare', () => {
  it('calls an arm with the same settings and seed identical, and only that', () => {
    expect(json.arms.map((a) => [a.kind, a.label])).toEqual([['baseline', 'Baseline'], ['other', 'Baseline (2)'], ['lpl', 'LPL']]);
    expect(json.analysis.identical).toEqual(['Baseline (2)']);
    expect(said).toContain('Baseline (2) is identical to the baseline: the trained weights are the same, bit for bit.');
    expect(html).toContain('Baseline (2) is identical to the baseline');
  });
  it('gives no verdict for two prompts', () => { expect(html).toMatch(/No verdict on KID/); });
  it('has curves against steps and time, in eight ranges of timesteps, spectra, and what differs', () => {
    const titles = json.charts.map((c) => c.title);
    expect(titles.slice(0, 4)).toEqual(['Error of the predicted noise, against steps', 'Error of the predicted noise, against time', 'LPL below t = 200, against steps', 'LPL below t = 200, against time']);
    expect(titles.filter((t) => t.startsWith('Error of the predicted noise, t '))).toHaveLength(8);
    expect(titles.at(-1)).toContain('Power spectrum');
    expect(json.differences.map((d) => d.path)).toEqual(['lpl.enabled']);
  });
  it('needs nothing but itself', () => {
    expect(html).toContain('src="data:image/png;base64,');
    expect(html).not.toMatch(/<script|https?:\/\/|src="(?!data:)/);
  });
  it('holds the settings of every arm, without where things lie on this machine', () => {
    expect(html).toContain('Configuration of LPL');
    expect(html).toContain('&#34;lpl_t_threshold&#34;: 1000');
    expect(html).not.toContain(tmpdir());
    expect(JSON.stringify(json)).not.toContain(tmpdir());
  });
  it('says how far it is over all runs', () => {
    const progress = data.filter((d) => d.type === 'progress' && d.total === 3000);
    expect(progress.map((p) => p.done)).toEqual(progress.map((p) => p.done!).toSorted((a, b) => a - b));
  });
});

describe('runs sorted into arms', () => {
  const setup = { base: 'b', dataset: 'd' };
  const run = (name: string, seed: number, lpl = false, rate = 1e-2) => { const c = tinyConfig(setup, { lpl: { enabled: lpl }, training: { seed } }); return { name, dir: name, config: { ...c, optimizer: { ...c.optimizer, learning_rate: rate } } }; };
  it('repetitions by seed, A/A where no other arm has the seed', () => {
    const arms = groupRuns([run('l2', 2, true), run('b9', 9), run('b1', 1), run('b2', 2), run('l1', 1, true)]);
    expect(arms.map((a) => [a.kind, a.runs.map((r) => r.name)])).toEqual([['baseline', ['b1', 'b2']], ['lpl', ['l1', 'l2']], ['aa', ['b9']]]);
  });
  it('the same settings and seed twice are two arms, not two repetitions', () => {
    const arms = groupRuns([run('b1', 1), run('again', 1), run('l1', 1, true), run('l2', 2, true)]);
    expect(arms.map((a) => [a.kind, a.label, a.runs.map((r) => r.name)])).toEqual([['baseline', 'Baseline', ['b1']], ['other', 'Baseline (2)', ['again']], ['lpl', 'LPL', ['l1', 'l2']]]);
  });
  it('names what differs otherwise', () => {
    const arms = groupRuns([run('b1', 1), run('fast', 1, false, 0.5)]);
    expect(arms.map((a) => [a.kind, a.label])).toEqual([['baseline', 'Baseline'], ['other', 'Baseline, learning rate 0.5']]);
  });
  it('needs two runs', () => { expect(() => groupRuns([run('b', 1)])).toThrow(/at least two/); });
});
