/** Comparisons through the core's door, with the scripted training process. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluationOptionsSchema, type Evaluation } from '../../main/contract/evaluation.ts';
import { httpCore, remove, scripted, until, type TestCore } from './helpers.ts';

let core: TestCore;
beforeAll(async () => { core = await httpCore(); });
afterAll(async () => { await core.close(); remove(core.dataDir); });
const arms = [{ kind: 'baseline' as const }, { kind: 'lpl' as const, lpl: { lpl_weight: 2 } }];
const config = (steps = 5) => scripted(core.dataDir, { steps, ms: 1 });
const errorCode = async (work: Promise<unknown>): Promise<string> => work.then(() => 'none', (e: { code: string }) => e.code);

describe('a comparison', () => {
  test('is planned without making anything, A/A seeds apart from the others', async () => {
    const plan = await core.call('comparisons.plan', { config: config(), arms: [...arms, { kind: 'aa' }], seeds: 2 });
    expect(plan).toMatchObject({ runs: 6, steps: 30 });
    expect(plan.arms.map((a) => a.seeds)).toEqual([[42, 43], [42, 43], [1_000_045, 1_000_046]]);
    expect(plan.differences.map((d) => d.path)).toEqual(['lpl.enabled', 'lpl.lpl_weight', 'training.seed']);
    expect(await core.call('comparisons.list', {})).toEqual([]);
  });

  test('trains its arms one after the other, with one time left, and knows when all have finished', async () => {
    await core.call('queue.hold', { held: true });
    const made = await core.call('comparisons.create', { name: 'Weight 2', config: config(), arms, start: true });
    expect(made.arms.map((a) => [a.kind, a.label, a.runs.length])).toEqual([['baseline', 'Baseline', 1], ['lpl', 'LPL, weight 2', 1], ['aa', 'A/A', 1]]);
    expect(made).toMatchObject({ state: 'waiting', total_steps: 15, done_steps: 0, evaluated_at: null });
    const waiting = (await core.call('queue.list', {})).waiting.map((r) => r.id);
    expect(waiting).toEqual(made.arms.flatMap((a) => a.runs.map((r) => r.run_id)));
    const { config: trained } = await core.call('runs.get', { id: made.arms[0]!.runs[0]!.run_id });
    expect(trained.validation).toMatchObject({ validation_every: 1, validation_bins: 10 });
    await core.call('queue.hold', { held: false });
    const done = await until(async () => { const c = await core.call('comparisons.get', { id: made.id }); return c.state === 'trained' && c; }, 'all runs');
    expect(done).toMatchObject({ done_steps: 15, eta_s: null });
    expect(existsSync(join(core.dataDir, 'comparisons', made.id, 'comparison.json'))).toBe(true);
  });

  test('is evaluated by itself when its runs have finished; what goes wrong there is a failed job', async () => {
    const job = await until(async () => (await core.call('jobs.list', {})).find((j) => j.kind === 'evaluation' && j.state === 'failed'), 'the evaluation of runs without a model', 90_000);
    expect(job.error!.code).not.toBe('internal');
  }, 100_000);

  test('takes another arm, and refuses one that it has', async () => {
    const { id } = (await core.call('comparisons.list', {}))[0]!;
    const more = await core.call('comparisons.addArm', { id, arm: { kind: 'lpl', lpl: { lpl_weight: 3 } } });
    expect(more.arms.map((a) => a.label)).toEqual(['Baseline', 'LPL, weight 2', 'A/A', 'LPL, weight 3']);
    expect(more.arms[3]!.runs[0]).toMatchObject({ seed: 42, state: 'draft' });
    expect(await errorCode(core.call('comparisons.addArm', { id, arm: { kind: 'lpl', lpl: { lpl_weight: 3 } } }))).toBe('compare.same_arm');
    expect((await core.call('comparisons.differences', { id })).every((d) => d.intended)).toBe(true);
  });

  test('of runs that exist says what they did not mean to differ in; deleting it keeps the runs unless asked', async () => {
    const [a, b] = [await core.call('runs.create', { config: config() }), await core.call('runs.create', { config: { ...config(), optimizer: { learning_rate: 0.5 } } })];
    const made = await core.call('comparisons.fromRuns', { run_ids: [a.id, b.id] });
    expect(made.arms.map((x) => x.kind)).toEqual(['baseline', 'other']);
    expect(await core.call('comparisons.differences', { id: made.id })).toMatchObject([{ path: 'optimizer.learning_rate', intended: false }]);
    await core.call('comparisons.delete', { id: made.id });
    expect((await core.call('runs.get', { id: a.id })).id).toBe(a.id);
    expect(await errorCode(core.call('comparisons.get', { id: made.id }))).toBe('compare.not_found');
  });

  test('comes back from its folder when the database is gone', async () => {
    const before = (await core.call('comparisons.list', {}))[0]!;
    await core.close();
    for (const end of ['', '-wal', '-shm']) if (existsSync(join(core.dataDir, `studio.sqlite${end}`))) (await import('node:fs')).rmSync(join(core.dataDir, `studio.sqlite${end}`));
    core = await httpCore(core.dataDir);
    expect((await core.call('comparisons.list', {}))[0]!.arms.map((a) => [a.id, a.label])).toEqual(before.arms.map((a) => [a.id, a.label]));
  });
});

/** An evaluation of one colour, as if drawn. */
async function pretend(folder: string, colour: string, prompts: string[]): Promise<void> {
  const at = join(folder, 'evaluation', 'step-00000005');
  mkdirSync(join(at, 'drawn'), { recursive: true });
  const { config: own } = JSON.parse((await import('node:fs')).readFileSync(join(folder, 'run.json'), 'utf8')) as { config: Evaluation['config'] };
  const pictures = prompts.map((prompt, i) => ({ prompt, prompt_index: i, seed: 1, file: `drawn/${i}.png`, features: [0], agreement: null }));
  for (const p of pictures) await sharp({ create: { width: 8, height: 8, channels: 3, background: colour } }).png().toFile(join(at, p.file));
  const evaluation: Evaluation = {
    version: 1, step: 5, ema: false, checkpoint_sha256: 'c', options: evaluationOptionsSchema.parse({}), config: own, weights_sha256: 'w', base_model: { name: 'm', sha256: 'x' }, dataset_hash: 'h',
    engine: { backend: 'b', version: '1', device: 'CPU', precision: 'fp32' }, app_version: '0', feature_space: { id: 'eye', title: 'eye', sha256: 'x', dimensions: 1 }, pictures, references: [], reconstructions: [],
  };
  writeFileSync(join(at, 'evaluation.json'), JSON.stringify(evaluation));
}

test('votes are blind: sides are mixed, addresses do not tell, and the result counts colours right', async () => {
  const prompts = Array.from({ length: 16 }, (_, i) => `prompt ${i}`);
  const made = await core.call('comparisons.create', { config: config(7), arms, aa: false });
  for (const [i, colour] of ['#ff0000', '#0000ff'].entries()) await pretend((await core.call('runs.get', { id: made.arms[i]!.runs[0]!.run_id })).folder, colour, prompts);
  const ask = { comparison_id: made.id, arm_id: made.arms[1]!.id }, { origin, searchParams } = new URL(core.url!);
  const told: string[] = [], order: string[] = [], sides = new Set<boolean>();
  const redAt = async (url: string): Promise<boolean> => {
    const answer = await fetch(origin + url, { headers: { authorization: `Bearer ${searchParams.get('token')}` } });
    told.push(JSON.stringify([...answer.headers]));
    return (await sharp(Buffer.from(await answer.arrayBuffer())).raw().toBuffer())[0] === 255;
  };
  for (let n = 0; n < prompts.length; n++) {
    const ballot = (await core.call('votes.next', ask))!;
    expect(ballot).toMatchObject({ cast: n, total: prompts.length });
    expect((await core.call('votes.next', ask))!.vote_id).toBe(ballot.vote_id);
    told.push(JSON.stringify(ballot));
    order.push(ballot.prompt);
    const left = await redAt(ballot.left);
    expect(await redAt(ballot.right)).toBe(!left);
    sides.add(left);
    await core.call('votes.cast', { vote_id: ballot.vote_id, choice: n < 4 ? 'tie' : left === n < 6 ? 'left' : 'right' });
  }
  expect(sides.size).toBe(2);
  const secrets = [...made.arms.flatMap((a) => [a.id, a.label, a.kind, ...a.runs.map((r) => r.run_id)]), 'drawn', 'evaluation', core.dataDir];
  expect(secrets.filter((s) => told.some((t) => t.toLowerCase().includes(s.toLowerCase())))).toEqual([]); // neither ballots nor what comes with the pictures
  expect(order).not.toEqual(prompts); // not in the order in which they were drawn
  expect(order.toSorted()).toEqual(prompts.toSorted());
  expect(await core.call('votes.next', ask)).toBeNull();
  const result = await core.call('votes.result', ask);
  expect(result).toMatchObject({ baseline: 'Baseline', arm: 'LPL, weight 2', votes: 16, ties: 4, for_baseline: 2, for_arm: 10 });
  expect(result.share!.low).toBeLessThan(10 / 12);
  await core.call('votes.clear', ask);
  expect((await core.call('votes.result', ask)).share).toBeNull();
});
