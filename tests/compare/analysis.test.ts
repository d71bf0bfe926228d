import { describe, expect, it } from 'vitest';
import { analyse, type EvaluatedArm } from '../../main/compare/analysis/analyse.ts';
import { configDifferences } from '../../main/compare/configDiff.ts';
import { reportHtml, type Report } from '../../main/compare/report/html.ts';
import { armStyles } from '../../main/compare/report/styles.ts';
import { ticks } from '../../main/compare/report/svgCurves.ts';
import { seededRandom } from '../../main/compare/statistics/resampling.ts';
import { defaultRunConfig } from '../../main/contract/runConfig.ts';
import { evaluationOptionsSchema, type Evaluation } from '../../main/contract/evaluation.ts';

const d = 6;
/** An evaluation whose pictures lie `away` from the held-out ones in feature space. */
function evaluation(away: number, seed: number, weights = `${away}-${seed}`, prompts = 14): Evaluation {
  const random = seededRandom(seed * 1000 + Math.round(away * 10));
  const held = seededRandom(99);
  const features = (r: () => number, shift: number): number[] => Array.from({ length: d }, () => r() * 2 - 1 + shift);
  return {
    version: 1, step: 10, ema: false, checkpoint_sha256: 'c', options: evaluationOptionsSchema.parse({}), config: defaultRunConfig(), weights_sha256: weights, base_model: { name: 'm', sha256: 'x' }, dataset_hash: 'h',
    engine: { backend: 'tensorflow', version: '2', device: 'CPU', precision: 'fp32' }, app_version: '0', feature_space: { id: 'eye', title: 'eye', sha256: 'x', dimensions: d },
    pictures: Array.from({ length: prompts * 2 }, (_, i) => ({ prompt: `p${i >> 1}`, prompt_index: i >> 1, seed: i & 1, file: `${i}.png`, features: features(random, away), agreement: 0.5 - away + 0.1 * random() })),
    references: Array.from({ length: 40 }, (_, i) => ({ item: `i${i}`, file: `${i}.png`, features: features(held, 0) })),
    reconstructions: Array.from({ length: 12 }, (_, i) => ({ item: `i${i}`, timestep: 100, feature_distance: 1 + away + 0.05 * random(), mse: 0.1 })),
  };
}
const arm = (kind: EvaluatedArm['kind'], label: string, away: number, seeds = [1, 2]): EvaluatedArm => ({ kind, label, evaluations: seeds.map((s) => evaluation(away, kind === 'aa' ? s + 10 : s)) });

describe('analysis of a comparison', () => {
  it('says better where pictures come closer to the held-out ones by more than another seed does', () => {
    const a = analyse([arm('baseline', 'Baseline', 1), arm('lpl', 'LPL', 0.2), arm('aa', 'A/A', 1)]);
    expect(a.verdicts).toHaveLength(1);
    expect(a.verdicts[0]!.verdict.kind).toBe('better');
    expect(a.measures.map((m) => m.id)).toEqual(['kid', 'agreement', 'reconstruction_100', 'noise_error']);
  });
  it('sees no difference where there is none', () => {
    const a = analyse([arm('baseline', 'Baseline', 0.5), { ...arm('lpl', 'LPL', 0.5), evaluations: [evaluation(0.5, 7), evaluation(0.5, 8)] }, arm('aa', 'A/A', 0.5)]);
    expect(a.verdicts[0]!.verdict.kind).toBe('no_difference');
  });
  it('says identical for bit-identical weights, and gives no verdict for a handful of prompts', () => {
    const few = (k: 'baseline' | 'lpl'): EvaluatedArm => ({ kind: k, label: k, evaluations: [evaluation(0.5, 1, 'same', 4)] });
    const a = analyse([few('baseline'), few('lpl')]);
    expect(a.identical).toEqual(['lpl']);
    expect(analyse([few('baseline'), arm('lpl', 'other weights', 0.5, [1])]).identical).toEqual([]);
    expect(a.verdicts[0]!.verdict.kind).toBe('too_few');
  });
});

describe('report', () => {
  const arms = [arm('baseline', 'Baseline', 1), arm('lpl', 'LPL <b>', 0.2)];
  const styles = armStyles(arms.map((a) => a.kind));
  const report: Report = {
    title: 'A "quoted" <title>', madeAt: '2026-01-01T00:00:00Z', arms: arms.map((a, i) => ({ kind: a.kind, label: a.label, style: styles[i]!, runs: [{ name: 'run', seed: 1, steps: 10, seconds: 5, weights_sha256: 'abc', config: {} }] })),
    differences: configDifferences([defaultRunConfig(), { ...defaultRunConfig(), lpl: { ...defaultRunConfig().lpl, enabled: true } }]), analysis: analyse([arm('baseline', 'Baseline', 1, [1]), arm('lpl', 'LPL <b>', 0.2, [1])]),
    charts: [{ title: 'Loss', xLabel: 'steps', series: [{ label: 'Baseline', style: styles[0]!, points: [{ x: 0, mean: 1, low: 0.9, high: 1.1 }, { x: 10, mean: 0.5, low: 0.4, high: 0.6 }] }] }],
    pictures: [{ prompt: '<script>', seed: 1, images: ['data:image/png;base64,AA', null] }], provenance: { App: '0.1' },
  };
  it('fetches nothing and lets no text become markup', () => {
    const html = reportHtml(report);
    expect(html).not.toMatch(/<script|<b>|https?:\/\/|src="(?!data:)/);
    expect(html).toContain(`http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`); // and a browser would not let it
    expect(html).toContain('&#60;script&#62;');
    expect(html).toContain('Latent Perceptual Loss');
    expect(html).toContain('without an A/A arm');
  });
  it('has round ticks', () => {
    expect(ticks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(130, 480)).toEqual([200, 300, 400]);
  });
});
