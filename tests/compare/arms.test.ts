import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planArms } from '../../main/compare/arms.ts';
import { configDifferences } from '../../main/compare/configDiff.ts';
import { dataByContent } from '../../main/compare/dataByContent.ts';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';
import { runFolder } from '../../main/contract/runFolder.ts';
import { tempDir } from '../engine/train-helpers.ts';

const base = defaultRunConfig();
const requests = [{ kind: 'baseline' as const }, { kind: 'lpl' as const }, { kind: 'lpl' as const, lpl: { lpl_weight: 2, lpl_num_blocks: 2 } }, { kind: 'aa' as const }];

describe('arms of a comparison', () => {
  it('differ only in LPL, and the A/A arm only in its seed', () => {
    const [baseline, lpl, other, aa] = planArms(base, requests, 2).map((a) => a.runs);
    expect(configDifferences([baseline![0]!.config, lpl![0]!.config]).map((d) => d.path)).toEqual(['lpl.enabled']);
    expect(configDifferences([lpl![0]!.config, other![0]!.config]).map((d) => d.path)).toEqual(['lpl.lpl_weight', 'lpl.lpl_num_blocks']);
    expect(configDifferences([baseline![0]!.config, aa![0]!.config]).map((d) => d.path)).toEqual(['training.seed']);
  });
  it('have the same seeds in every arm but A/A, and different ones in each repetition', () => {
    const [baseline, lpl, , aa] = planArms(base, requests, 3).map((a) => a.runs.map((r) => r.config.training.seed));
    expect(lpl).toEqual(baseline);
    expect(new Set([...baseline!, ...aa!]).size).toBe(6);
  });
  it('are named after what differs', () => {
    expect(planArms(base, requests, 1).map((a) => a.label)).toEqual(['Baseline', 'LPL', 'LPL, weight 2, blocks 2', 'A/A']);
  });
  it('are refused when two are the same, or nothing is compared', () => {
    expect(() => planArms(base, [{ kind: 'baseline' }, { kind: 'lpl' }, { kind: 'lpl', lpl: {} }], 1)).toThrow(/same settings/);
    expect(() => planArms(base, [{ kind: 'baseline' }], 1)).toThrow(/at least two/);
    expect(() => planArms(base, [{ kind: 'lpl' }, { kind: 'aa' }], 1)).toThrow(/baseline/);
  });
});

describe('differences of configurations', () => {
  it('name every field that changes what is learnt, and mark those that were not intended', () => {
    const other = { ...base, optimizer: { ...base.optimizer, learning_rate: 1 }, samples: { ...base.samples, seeds: [9] } };
    expect(configDifferences([base, other])).toEqual([{ path: 'optimizer.learning_rate', title: 'Learning rate', values: [1e-4, 1], intended: false }]);
  });
  it('know two runs\' frozen copies of one data set for the same pictures, and of another for others', () => {
    const copy = (content: string) => { const dataset = join(tempDir(), runFolder.chosenData); writeFileSync(dataset, content); return dataByContent({ ...base, data: { ...base.data, dataset } }); };
    const [one, same, other] = [copy('{"items":[1]}'), copy('{"items":[1]}'), copy('{"items":[2]}')];
    expect(configDifferences([one, same])).toEqual([]);
    expect(configDifferences([one, other]).map((d) => d.path)).toEqual(['data.dataset']);
    const folder = { ...base, data: { ...base.data, dataset: '/pictures' } };
    expect(dataByContent(folder)).toEqual(folder);
  });
});
