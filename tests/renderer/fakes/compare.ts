/** A made-up comparison: three arms, curves, pictures, numbers, votes. */
import type { Comparison, ComparisonNumbers } from '../../../main/contract/compare.ts';
import { howToHoldOut } from '../../../main/contract/verdictWords.ts';
import type { QueueEntry } from '../../../main/contract/runs.ts';
import type { Answers } from './fakeCore.ts';
import { fakeRun, prompts, samplesOf } from './runs.ts';

const run = (run_id: string, name: string, seed: number) => ({ run_id, name, seed, state: 'finished' as const, step: 1500, total_steps: 1500, eta_s: null });
export const comparison: Comparison = {
  id: 'cmp', name: 'Blob emoji: does LPL help?', created_at: Date.now() - 8e6, state: 'trained', done_steps: 4500, total_steps: 4500, eta_s: null, extendable: true, job_id: null, evaluated_at: Date.now() - 5e5,
  arms: [{ id: 'a1', kind: 'baseline', label: 'Baseline', runs: [run('base', 'Baseline', 42)] }, { id: 'a2', kind: 'lpl', label: 'LPL, weight 1', runs: [run('done', 'LPL', 42)] }, { id: 'a3', kind: 'aa', label: 'Baseline again', runs: [run('base', 'A/A', 43)] }],
};
type State = Comparison['arms'][number]['runs'][number]['state'];
/** The comparison in another state, by the states of its arms' runs. */
export const inState = (id: string, name: string, states: readonly (readonly State[])[], over: Partial<Comparison>): Comparison => ({
  ...comparison, id, name, evaluated_at: null, ...over,
  arms: comparison.arms.slice(0, states.length).map((arm, i) => ({ ...arm, id: `${id}-${arm.id}`, runs: states[i]!.map((state, k) => ({ ...run(`${id}-${i}-${k}`, `${name}: ${arm.label}, seed ${42 + k}`, 42 + k), state, step: state === 'finished' ? 1500 : state === 'running' ? 412 : state === 'failed' ? 300 : 0, eta_s: state === 'running' ? 540 : null })) })),
});
export const running = inState('running', 'Kitchen: LPL weight 2', [['finished', 'finished'], ['running', 'queued'], ['queued', 'queued']], { state: 'training', done_steps: 3412, total_steps: 9000, eta_s: 4320 });
const others: Comparison[] = [
  running,
  inState('waiting', 'Tea labels', [['queued'], ['queued'], ['queued']], { state: 'waiting', done_steps: 0 }),
  inState('paused', 'Ceramics, three seeds', [['finished'], ['paused'], ['draft']], { state: 'stopped', done_steps: 1912 }),
  inState('failed-arm', 'Portraits: does LPL help?', [['finished'], ['failed'], ['finished']], { state: 'stopped', done_steps: 3300 }),
  inState('identical', 'Same settings twice', [['finished'], ['finished']], { state: 'trained', evaluated_at: Date.now() }),
  inState('no-aa', 'Houses without A/A', [['finished'], ['finished']], { state: 'trained', evaluated_at: Date.now() }),
  inState('too-few', 'Four prompts', [['finished'], ['finished'], ['finished']], { state: 'trained', evaluated_at: Date.now() }),
  inState('better', 'Birds, three seeds', [['finished', 'finished', 'finished'], ['finished', 'finished', 'finished'], ['finished', 'finished', 'finished']], { state: 'trained', evaluated_at: Date.now() }),
];
const found = (id: string): Comparison => others.find((c) => c.id === id) ?? comparison;
/** The running comparison's runs, and its place in the queue. */
export const comparedRuns = running.arms.flatMap((a) => a.runs.map((r) => fakeRun({ id: r.run_id, name: r.name, state: r.state, step: r.step, eta_s: r.eta_s, lpl_enabled: a.kind === 'lpl', exit_reason: r.state === 'finished' ? 'finished' : null, queue_position: r.state === 'queued' ? 1 : null })));
export const comparedEntry: QueueEntry = { id: 'running', kind: 'comparison', name: running.name, state: 'training', part: 'arm 2 of 3, seed 1 of 2', run_ids: ['running-1-0', 'running-1-1', 'running-2-0', 'running-2-1'], done_steps: 3412, total_steps: 9000, eta_s: 4320 };
const style = { color: '#000', dash: '', letter: 'B' };
const steps = [0, 250, 500, 750, 1000, 1250, 1500];
const effect = (e: number, low: number, high: number) => ({ effect: e, low, high, level: 0.95, pairs: 48, clusters: 24, resamples: 2000 });
const numbers: ComparisonNumbers = {
  title: comparison.name, madeAt: '2026-11-23', differences: [], charts: [{ title: 'Power spectrum: coarse shapes to the left, fine detail to the right', xLabel: 'cycles across the picture', logY: true, series: ['Held-out pictures', ...comparison.arms.map((a) => a.label)].map((label, i) => ({ label, style, points: Array.from({ length: 32 }, (_, k) => { const mean = 4e4 * (k + 1) ** (-2.1 - 0.12 * i); return { x: k + 1, mean, low: mean, high: mean }; }) })) }],
  arms: comparison.arms.map((a) => ({ kind: a.kind, label: a.label, style, runs: [{ name: a.label, seed: 42, steps: 1500, seconds: 900, weights_sha256: 'ab' }] })),
  analysis: {
    identical: [], verdicts: [{ label: 'LPL, weight 1', verdict: { kind: 'no_difference', sentence: 'No difference that these data can show: decoder features 0.004 closer to the held-out pictures, 95 % interval −0.003 to 0.011, within the spread of two equal trainings.' } }],
    distances: comparison.arms.map((a, i) => ({ label: a.label, values: { pictures: 48, references: 60, kid: { value: 0.012 - i * 0.001, std: 0.003, subsets: 50, subsetSize: 24 }, frechet: { value: 41.2 - i, std: 1.8, subsets: 20, subsetSize: 38 }, frechetWarning: 'With 48 pictures the Fréchet distance is biased upwards; compare it only between arms.' } })),
    measures: [{ id: 'features', title: 'Decoder features of reconstructions', unit: 'distance', note: 'From held-out latents noised to t = 50, 100 and 200.', lowerIsBetter: true, arms: [{ label: 'Baseline', kind: 'baseline', mean: 0.214, effect: null, verdict: null }, { label: 'LPL, weight 1', kind: 'lpl', mean: 0.21, effect: effect(-0.004, -0.011, 0.003), verdict: { kind: 'no_difference', sentence: 'No difference that these data can show.' } }, { label: 'Baseline again', kind: 'aa', mean: 0.216, effect: effect(0.002, -0.004, 0.009), verdict: null }] }],
  },
  provenance: { app: '0.1.0', 'feature space': 'the built-in eye, 64 dimensions', engine: 'TensorFlow 2.21.0' },
};

/** What was measured in each state: identical arms, no A/A, too few prompts, a claim. */
function numbersOf(id: string): ComparisonNumbers | null {
  const own = found(id);
  if (own.evaluated_at === null) return null;
  const said: Record<string, { kind: Verdict['kind']; sentence: string }> = {
    identical: { kind: 'identical', sentence: 'LPL, weight 1 and the baseline are identical in KID.' },
    'no-aa': { kind: 'no_noise_floor', sentence: 'LPL, weight 1 differs from the baseline in KID to held-out pictures by -0.0052 (95 % interval -0.0091 to -0.0013), but without an A/A arm nobody can say whether another seed would differ as much.' },
    'too-few': { kind: 'too_few', sentence: `No verdict on KID to held-out pictures: the data set holds no pictures out. ${howToHoldOut}.` },
    better: { kind: 'better', sentence: 'LPL, weight 1 is better than the baseline in KID to held-out pictures by 0.0052 (difference -0.0052, 95 % interval -0.0091 to -0.0013; with 3 trainings an arm, other seeds alone may differ by up to 0.0031).' },
  };
  const verdict = said[id];
  const kinds = new Set(own.arms.map((a) => a.kind)), analysis = numbers.analysis;
  const measures = analysis.measures.map((m) => ({ ...m, arms: m.arms.filter((a) => kinds.has(a.kind)).map((a) => ({ ...a, effect: id === 'too-few' ? null : id === 'identical' && a.effect ? effect(0, 0, 0) : a.effect, verdict: a.verdict && (verdict ?? a.verdict) })) }));
  return { ...numbers, title: own.name, analysis: { ...analysis, measures, identical: id === 'identical' ? ['LPL, weight 1'] : [], distances: analysis.distances.filter((_, i) => i < own.arms.length), verdicts: verdict ? [{ label: 'LPL, weight 1', verdict }] : analysis.verdicts } };
}
type Verdict = ComparisonNumbers['analysis']['verdicts'][number]['verdict'];

export const compareAnswers = (): Answers => {
  let cast = 0;
  return {
    'comparisons.list': () => [comparison, ...others], 'comparisons.get': ({ id }) => found(id), 'comparisons.numbers': ({ id }) => numbersOf(id),
    'comparisons.pause': ({ id }) => found(id), 'comparisons.stop': ({ id }) => found(id), 'comparisons.start': ({ id }) => found(id),
    'comparisons.differences': () => [{ path: 'lpl.enabled', title: 'Latent Perceptual Loss', values: [false, true, false], intended: true }, { path: 'training.seed', title: 'Seed', values: [42, 42, 43], intended: true }, { path: 'optimizer.learning_rate', title: 'Learning rate', values: [1e-4, 2e-4, 1e-4], intended: false }],
    'comparisons.curves': ({ id, from = 0, to = null, metrics: wanted = ['val/loss'] }) => ({ metrics: ['val/loss', 'val/lpl', ...Array.from({ length: 8 }, (_, b) => `val/loss_bin_${b}`)], curves: wanted.flatMap((metric) => found(id).arms.map((a, i) => {
      const many = id === 'better', all = many ? Array.from({ length: 2_000 }, (_, k) => k * (to === null ? 500 : 1) + from) : steps, own = all.filter((s) => s >= from && s <= (to ?? Infinity));
      return { arm_id: a.id, metric, repetitions: 3, total: many && to === null ? 1_000_000 : own.length, points: own.map((step) => { const mean = 0.2 + 0.2 * Math.exp(-step / (400 + 40 * i)); return { step, seconds: step * (i === 1 ? 0.7 : 0.5), mean, low: mean - 0.01, high: mean + 0.01 }; }) };
    })) }),
    'comparisons.pictures': ({ id }) => (id === 'waiting' ? [] : Array.from({ length: found(id).arms[0]!.runs.length }, (_, repetition) => repetition).flatMap((repetition) => samplesOf('done', steps).map((s) => ({
      prompt: s.prompt, seed: s.seed, step: s.step, ema: false, width: 64, height: 64, repetition, training_seeds: found(id).arms.map((a) => (a.kind === 'aa' ? 1_000_045 : 42) + repetition),
      urls: [s.url, id === 'running' && repetition > 0 ? null : samplesOf('x', [Math.round(s.step * (0.8 - 0.39 * repetition))])[prompts.indexOf(s.prompt) * 2 + s.seed - 1]!.url, s.step > 1000 ? null : s.url].slice(0, found(id).arms.length),
    })))),
    'comparisons.plan': ({ config, seeds = 1 }) => ({ arms: comparison.arms.map((a) => ({ kind: a.kind, label: a.label, seeds: [42] })), runs: 3 * seeds, steps: 3 * seeds * (config.training as { max_train_steps: number }).max_train_steps, differences: [{ path: 'lpl.enabled', title: 'Latent Perceptual Loss', values: [false, true, false], intended: true }] }),
    'comparisons.create': () => comparison, 'comparisons.addArm': () => comparison, 'demo.start': () => comparison, 'comparisons.fromRuns': () => comparison,
    'comparisons.evaluate': () => ({ job_id: 'j4' }),
    'votes.next': ({ comparison_id }) => (cast >= 3 || found(comparison_id).evaluated_at === null ? null : { vote_id: `v${cast}`, prompt: prompts[cast]!, left: samplesOf('done', [1500])[cast * 2]!.url, right: samplesOf('done', [300])[cast * 2]!.url, cast, total: 3 }),
    'votes.cast': () => { cast += 1; return { ok: true as const }; }, 'votes.clear': () => { cast = 0; return { ok: true as const }; },
    'votes.result': () => ({ arm_id: 'a2', arm: 'LPL, weight 1', baseline: 'Baseline', votes: 3, ties: 0, for_arm: 2, for_baseline: 1, share: { share: 0.67, low: 0.21, high: 0.94, n: 3 } }),
  };
};
