import { describe, expect, it } from 'vitest';
import { defaultRunConfig, runConfigFields } from '../../main/contract/runConfig.ts';
import { lplStepShare, shareBelow, weightParts } from '../../main/contract/timesteps.ts';
import { drawTimesteps, timestepProbabilities } from '../../main/engine/diffusion/timesteps.ts';
import { nearest, smooth } from '../../renderer/charts/smoothing.ts';
import { clipOutliers } from '../../renderer/compare/clipOutliers.ts';
import { curveTitles, curvesCsv } from '../../renderer/compare/curveTitles.ts';
import { cropBox, placeOf } from '../../renderer/datasets/crop.ts';
import { moved, noSelection, select, within } from '../../renderer/datasets/selection.ts';
import { decoderBlocks, fraction } from '../../renderer/newRun/decoderBlocks.ts';
import { parseTyped, typed } from '../../renderer/newRun/typedValue.ts';
import { isVisible } from '../../renderer/newRun/visible.ts';
import { condense } from '../../renderer/runs/eventText.ts';
import { columnsOf, fittingCell, sampleTable } from '../../renderer/runs/sampleGrid.ts';
import { stateSentence } from '../../renderer/runs/sentence.ts';
import { comparisonSentence } from '../../renderer/compare/sentence.ts';
import { getPath, mergeConfig, setPath, shown } from '../../renderer/ui/configPath.ts';
import { ago, bytes, duration, millions, number } from '../../renderer/ui/format.ts';
import { inState } from './fakes/compare.ts';
import { runs, samplesOf } from './fakes/runs.ts';

describe('smoothing', () => {
  it('keeps a constant, is not pulled to zero at the start, and passes gaps', () => {
    for (const y of smooth([0, 1, 2], [5, 5, 5], 10)) expect(y).toBeCloseTo(5, 12);
    expect(smooth([0, 1, 2], [1, Number.NaN, 3], 1e9)[2]).toBeCloseTo(2, 6);
  });
  it('has its time constant in steps, so that thinning a curve does not change it much', () => {
    const x = Array.from({ length: 4000 }, (_, i) => i);
    const y = x.map((i) => Math.sin(i / 300));
    const all = smooth(x, y, 100);
    const thin = smooth(x.filter((i) => i % 10 === 0), y.filter((_, i) => i % 10 === 0), 100);
    expect(Math.abs(all[3990]! - thin[399]!)).toBeLessThan(0.02);
  });
  it('finds the nearest point', () => {
    expect([nearest([0, 10, 20], 14), nearest([0, 10, 20], 16), nearest([0, 10, 20], 99), nearest([], 3)]).toEqual([1, 2, 2, -1]);
  });
});

describe('the drawing of timesteps', () => {
  const none = defaultRunConfig().diffusion;
  it('lights 20 % at threshold 200 of 1000', () => { expect(shareBelow(200, none)).toBeCloseTo(0.2, 12); });
  it('weighs a bias as diffusers does: earlier quarter three times as often', () => {
    const bias = { ...none, timestep_bias_strategy: 'earlier' as const, timestep_bias_multiplier: 3, timestep_bias_portion: 0.25 };
    expect(weightParts(bias).map((p) => [p.from, p.to, p.weight])).toEqual([[0, 250, 3], [250, 1000, 1]]);
    expect(shareBelow(200, bias)).toBeCloseTo(600 / 1500, 12);
  });
  it('says that nothing can be drawn when the bias leaves nothing', () => {
    expect(shareBelow(200, { ...none, timestep_bias_strategy: 'range', timestep_bias_multiplier: 0, timestep_bias_begin: 0, timestep_bias_end: 1000 })).toBeNaN();
  });
  it('counts the steps in which LPL has a sample', () => {
    const config = (lpl: object, training: object) => { const c = defaultRunConfig(); return { ...c, lpl: { ...c.lpl, enabled: true, ...lpl }, training: { ...c.training, ...training } }; };
    for (const [lpl, training, share] of [
      [{}, {}, 0.2], [{ lpl_stratified: true }, {}, 0.2], [{}, { train_batch_size: 2, gradient_accumulation_steps: 2 }, 1 - 0.8 ** 4], [{ lpl_stratified: true }, { train_batch_size: 4 }, 0.8], [{ lpl_stratified: true }, { train_batch_size: 8 }, 1],
      [{ lpl_start: 500 }, { max_train_steps: 2000 }, 0.15], [{ lpl_start: 500 }, { max_train_steps: 100 }, 0], [{ lpl_start: 500 }, { num_train_epochs: 3 }, 0.2], [{ enabled: false }, {}, 0], [{ lpl_weight: 0 }, {}, 0],
    ] as const) expect(lplStepShare(config(lpl, training)), JSON.stringify([lpl, training])).toBeCloseTo(share, 12);
  });
  it('counts them as the engine draws them', () => {
    const { diffusion } = defaultRunConfig(), bias = { ...diffusion, timestep_bias_strategy: 'later' as const, timestep_bias_multiplier: 2 }, steps = 4_000;
    for (const lpl_stratified of [false, true]) for (const train_batch_size of [1, 3]) {
      const c = defaultRunConfig(), config = { ...c, diffusion: bias, lpl: { ...c.lpl, enabled: true, lpl_stratified }, training: { ...c.training, train_batch_size } };
      const drawn = Array.from({ length: steps }, (_, step) => drawTimesteps(timestepProbabilities(bias, 1000), 1, step, train_batch_size, lpl_stratified).some((t) => t < 200));
      expect(drawn.filter(Boolean).length / steps, `${lpl_stratified} ${train_batch_size}`).toBeCloseTo(lplStepShare(config), 1);
    }
  });
  it('gives the decoder blocks the weights 1, 1/2, 1/4, 1/8, 1/8', () => {
    const lpl = { ...defaultRunConfig().lpl, enabled: true, lpl_num_blocks: 3 };
    expect(decoderBlocks(lpl).map((b) => fraction(b.weight))).toEqual(['1', '1/2', '1/4', '1/8', '1/8']);
    expect(decoderBlocks(lpl).map((b) => b.lit)).toEqual([true, true, true, true, false]);
    expect(decoderBlocks({ ...lpl, lpl_feature_type: 'image' }).some((b) => b.lit)).toBe(false);
  });
});

describe('typing values', () => {
  const numberField = { kind: 'number' as const, nullable: false };
  it('understands 1e-4, 0,5 and a real minus, and leaves what is no number to the schema', () => {
    expect([parseTyped('1e-4', numberField), parseTyped('0,5', numberField), parseTyped('−2', numberField), parseTyped('fast', numberField)]).toEqual([1e-4, 0.5, -2, 'fast']);
  });
  it('takes an empty box as "none" only where there may be none', () => {
    expect([parseTyped(' ', { kind: 'number', nullable: true }), parseTyped('', numberField)]).toEqual([null, '']);
  });
  it('gives back what was typed for every default', () => {
    for (const f of runConfigFields.filter((x) => x.kind === 'number' || x.kind === 'integer' || x.kind === 'numbers')) expect(parseTyped(typed(f.default), f), f.path).toEqual(f.default);
  });
  it('shows fields only where they make sense', () => {
    const rank = runConfigFields.find((f) => f.path === 'method.rank')!;
    const config = defaultRunConfig();
    expect([isVisible(rank, config), isVisible(rank, setPath(config, 'method.type', 'full'))]).toEqual([true, false]);
  });
});

describe('configurations by path', () => {
  it('reads, writes without touching the old, and merges by group', () => {
    const config = { lpl: { enabled: false, lpl_weight: 1 } };
    const next = setPath(config, 'lpl.lpl_weight', 2);
    expect([getPath(next, 'lpl.lpl_weight'), getPath(config, 'lpl.lpl_weight'), getPath(next, 'no.such')]).toEqual([2, 1, undefined]);
    expect(mergeConfig(config, { lpl: { enabled: true }, data: { resolution: 64 } })).toEqual({ lpl: { enabled: true, lpl_weight: 1 }, data: { resolution: 64 } });
    expect([shown(true), shown(null), shown([1, 2]), shown(1e-4), shown(1500, { unit: 'steps' })]).toEqual(['on', '–', '1 · 2', '1e−4', '1,500 steps']);
  });
});

describe('selection', () => {
  const order = [10, 11, 12, 13, 14, 15];
  it('extends from the anchor, toggles, and moves by rows', () => {
    const one = select(noSelection, 11, 'only', order);
    expect([...select(one, 14, 'range', order).ids]).toEqual([11, 12, 13, 14]);
    expect([...select(one, 14, 'toggle', order).ids]).toEqual([11, 14]);
    expect(moved(one, 'ArrowDown', order, 3, 2)).toBe(14);
    expect(moved(one, 'Home', order, 3, 2)).toBe(10);
    expect(moved(noSelection, 'ArrowRight', order, 3, 2)).toBe(10);
    expect(moved(one, 'q', order, 3, 2)).toBeNull();
  });
  it('forgets what is no longer there', () => { expect(within(select(noSelection, 11, 'only', order), [10])).toEqual({ focus: null, anchor: null, ids: new Set() }); });
});

describe('crops', () => {
  it('never leave the picture, and come back as the same place', () => {
    expect(cropBox({ cx: 0, cy: 0.5 }, [0, 0, 400, 300], 800, 300)).toEqual([0, 0, 400, 300]);
    const place = placeOf({ x: 0.9, y: 0.5 }, [0, 0, 400, 300], 800, 300);
    expect(place).toEqual({ cx: 0.75, cy: 0.5 });
    expect(cropBox(place, [0, 0, 400, 300], 800, 300)).toEqual([400, 0, 400, 300]);
  });
});

describe('words', () => {
  it('tells the state of every run in a sentence', () => {
    const of = (id: string): string => stateSentence(runs.find((r) => r.id === id)!);
    expect([of('live'), of('wait1'), of('oom'), of('paused'), of('draft')]).toEqual([
      'Training with LPL, step 412 of 1,500, about 9 min left.', 'Waiting, place 1 in the queue.', 'Ended at step 3 of 1,500: memory ran out.', 'Paused at step 750 of 1,500. It goes on exactly where it stopped.', 'A draft. Nothing has run yet.']);
    expect(stateSentence({ ...runs[0]!, step: 16, total_steps: 60, stage: { stage: 'compiling', text: 'getting the first step ready', done: 0, total: 0, eta_s: null, at: 0 } })).toBe('Getting the first step ready (step 16 of 60).');
    expect(stateSentence({ ...runs[0]!, step: 0, stage: { stage: 'caching_latents', text: 'encoding pictures', done: 37, total: 400, eta_s: 12, at: 0 } })).toBe('Encoding pictures: 37 of 400, about 12 s left.');
    expect(stateSentence({ ...runs[0]!, step: 0, stage: { stage: 'sampling', text: 'drawing picture 1 of 4', done: 4, total: 100, eta_s: 12, at: 0 } })).toBe('Drawing picture 1 of 4, 4 %, about 12 s left.');
    expect(stateSentence({ ...runs[0]!, step: 0, stage: { stage: 'starting_engine', text: 'computing with TensorFlow', done: 1, total: 1, eta_s: null, at: 0 } })).toBe('Computing with TensorFlow.');
  });
  it('tells a comparison that was paused from one that was stopped and one with a failed run', () => {
    const of = (...states: Parameters<typeof inState>[2][number][]): string => comparisonSentence(inState('x', 'X', states, { state: 'stopped', done_steps: 1912 }));
    expect(of(['finished'], ['paused'], ['draft'])).toBe('Paused at step 1,912 of 4,500 in all. It goes on where it stood.');
    expect(of(['paused'], ['draft'], ['draft'])).toMatch(/^Paused/);
    expect(of(['finished'], ['draft'], ['draft'])).toMatch(/^Paused/); // between two runs
    expect(of(['stopped'], ['draft'], ['draft'])).toMatch(/^Stopped at step 1,912/);
    expect(of(['paused'], ['failed'], ['draft'])).toMatch(/^A run of “LPL, weight 1” ended with an error/);
  });
  it('writes sizes of models in millions, small ones too', () => { expect([2_567_463_684, 9_600_000, 1_234_567, 312_448, 49_000].map(millions)).toEqual(['2,567 M', '10 M', '1.2 M', '0.31 M', '0.049 M']); });
  it('writes numbers as people read them', () => {
    expect([number(0.00001), number(0.25), number(1234567), number(Number.NaN), bytes(31_400_000), bytes(6.94e9), duration(3661), duration(9.4), ago(1000, 2000)]).toEqual(['1e−5', '0.25', '1,234,567', 'NaN', '31 MB', '6.9 GB', '1 h 1 min', '9 s', 'just now']);
  });
  it('tells pictures of one step as one event', () => {
    const lines = condense([1, 2, 3].map((n) => ({ n, at: 0, type: 'sample', data: { step: 5, prompt: 'x', seed: n } })));
    expect(lines.map((l) => l.text)).toEqual(['3 pictures drawn at step 5']);
  });
});

describe('the sample grid', () => {
  it('has a row per prompt and seed and a column per step, in order', () => {
    const table = sampleTable(samplesOf('r', [100, 0]), false);
    expect(table.steps).toEqual([0, 100]);
    expect(table.rows.map((r) => [r.promptIndex, r.seed])).toEqual([[0, 1], [0, 2], [1, 1], [1, 2], [2, 1], [2, 2], [3, 1], [3, 2]]);
    expect(table.rows[0]!.cells.get(100)?.step).toBe(100);
  });
  it('keeps plain and averaged weights apart, and changed prompts in rows of their own', () => {
    const [first] = samplesOf('r', [0]);
    const table = sampleTable([first!, { ...first!, id: 'e', ema: true }, { ...first!, id: 'n', step: 9, prompt: 'another' }], false);
    expect([table.hasEma, table.rows.length]).toEqual([true, 2]);
    expect(sampleTable([first!, { ...first!, id: 'e', ema: true }], true).rows[0]!.cells.get(0)?.id).toBe('e');
  });
  it('makes pictures as large as all the columns to come allow, within limits', () => {
    const run = (total_steps: number, sample_every: number): number => columnsOf({ total_steps, config: { samples: { sample_every } } });
    expect([run(150, 75), run(151, 75), run(100, 0), run(10, 50)]).toEqual([3, 4, 2, 2]);
    expect(fittingCell(590, 3)).toBe(144);
    expect(132 + 3 * (144 + 4)).toBeLessThanOrEqual(590);
    expect([fittingCell(590, 40), fittingCell(2_000, 2)]).toEqual([104, 168]);
  });
});

describe('curves of a comparison', () => {
  const line = (y: number[], high = y) => ({ id: 'a', label: 'A', x: y.map((_, i) => i), y, colour: '--arm-lpl', band: { low: y, high } });
  it('cut off outliers at the fence and say how many, or leave everything as it is', () => {
    const { lines, cut } = clipOutliers([line([1, 2, 3, 4, 5, 6, 7, 8, 9, 900], [1, 2, 3, 4, 5, 6, 7, 8, 9, 999])]);
    expect(cut).toEqual({ points: 1, above: 23, largest: 900 });
    expect(lines[0]!.y.at(-1)).toBe(23);
    expect(lines[0]!.band!.high.at(-1)).toBe(23);
    expect(clipOutliers([line([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])]).cut).toBeNull();
    expect(clipOutliers([line([1, 900])]).cut).toBeNull();
    expect(clipOutliers([]).lines).toEqual([]);
  });
  const curve = (metric: string) => ({ arm_id: 'a', metric, repetitions: 1, total: 1, points: [{ step: 1, seconds: 2, mean: 3, low: 2.5, high: 3.5 }] });
  it('are named by what they measure, overall ones first, ranges of timesteps from low to high', () => {
    expect(curveTitles(['val/loss_bin_7', 'val/loss_bin_0', 'val/lpl', 'val/ema_loss', 'val/loss']).map((t) => t.title)).toEqual(['Noise error, all timesteps', 'LPL, below t = 200', 'Noise error, t 0–124', 'Noise error, t 875–999', 'Noise error, all timesteps, EMA']);
  });
  it('as CSV hold every number, and quotes in names', () => {
    expect(curvesCsv([curve('val/loss')], new Map([['a', 'LPL "2"']]))).toBe('arm,metric,step,seconds,mean,low,high\n"LPL ""2""",val/loss,1,2,3,2.5,3.5');
  });
});
