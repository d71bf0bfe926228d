import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateRun, type Evaluated } from '../../main/engine/evaluation/evaluateRun.ts';
import { openWorkbench } from '../../main/engine/evaluation/workbench.ts';
import { errorOf, tempDir } from '../engine/train-helpers.ts';
import { writeClipOnnx } from './tinyOnnx.ts';
import { tinyRun, tinySetup } from './tinyRuns.ts';

const options = { prompts: 3, seeds: 2, reconstructions: 2, timesteps: [50, 200] };
let first = '', again = '', other = '', changed = '', text = '';
let made: Evaluated;
const progress: { done: number; total: number }[] = [];

beforeAll(async () => {
  const setup = await tinySetup();
  first = await tinyRun(setup, 'first');
  again = await tinyRun(setup, 'again');
  other = await tinyRun(setup, 'lpl', { lpl: { enabled: true }, training: { use_ema: true, ema_decay: 0.5 } });
  changed = await tinyRun(setup, 'changed', { training: { seed: 7 } });
  text = await tinyRun(setup, 'text', { method: { train_text_encoder: true }, training: { max_train_steps: 2 } });
  made = await evaluateRun(first, { options, onProgress: (p) => progress.push(p) });
}, 400_000);

describe('evaluation of a run', () => {
  it('draws its prompts and those of held-out pictures, and looks at both', () => {
    const { evaluation: e, folder, reused } = made;
    expect(reused).toBe(false);
    expect(e.pictures.map((p) => `${p.prompt} ${p.seed}`)).toEqual(['a picture of number 1', 'a picture of number 5', 'a picture of number 6'].flatMap((p) => [`${p} 1`, `${p} 2`]));
    expect(e.references).toHaveLength(3);
    for (const p of [...e.pictures, ...e.references]) {
      expect(existsSync(join(folder, p.file))).toBe(true);
      expect(p.features).toHaveLength(e.feature_space.dimensions);
      expect(p.features.every(Number.isFinite)).toBe(true);
    }
    expect(e.reconstructions.map((r) => r.timestep)).toEqual([50, 200, 50, 200]);
    expect(e.reconstructions.every((r) => r.mse > 0 && r.feature_distance > 0)).toBe(true);
  });
  it('says how far it is, up to the end', () => {
    expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);
    expect(progress.map((p) => p.done)).toEqual(progress.map((p) => p.done).toSorted((a, b) => a - b));
  });
  it('is read, not made again, unless something changed', async () => {
    const before = statSync(join(made.folder, 'evaluation.json')).mtimeMs;
    expect((await evaluateRun(first, { options })).reused).toBe(true);
    expect(statSync(join(made.folder, 'evaluation.json')).mtimeMs).toBe(before);
  });
  it('is the same, pictures and numbers, for a run with the same settings and seed', async () => {
    const { evaluation, folder } = await evaluateRun(again, { options });
    const { evaluation: e } = made;
    expect(evaluation.weights_sha256).toBe(e.weights_sha256);
    expect([evaluation.pictures, evaluation.references, evaluation.reconstructions]).toEqual([e.pictures, e.references, e.reconstructions]);
    for (const file of readdirSync(join(folder, 'drawn'))) expect(readFileSync(join(folder, 'drawn', file)).equals(readFileSync(join(made.folder, 'drawn', file))), file).toBe(true);
  });
  it('takes the EMA where the run keeps one, and other weights have another hash', async () => {
    const { evaluation } = await evaluateRun(other, { options });
    expect(evaluation.ema).toBe(true);
    expect(evaluation.weights_sha256).not.toBe(made.evaluation.weights_sha256);
    expect(evaluation.reconstructions[0]!.mse).not.toBe(made.evaluation.reconstructions[0]!.mse);
  });
  it('keeps the pictures of a cancelled evaluation', async () => {
    const more = { ...options, prompts: 2 }, root = join(first, 'evaluation');
    const partials = (): string[] => readdirSync(root).filter((n) => n.startsWith('.partial-') && existsSync(join(root, n, 'drawn', 'p0001-s2.png')));
    const stop = { throwIfAborted() { if (partials().length) throw new Error('stopped'); } } as AbortSignal;
    await expect(evaluateRun(first, { options: more, signal: stop })).rejects.toThrow('stopped');
    const partial = readdirSync(root).find((n) => n.startsWith('.partial-'))!;
    expect(readdirSync(join(root, partial, 'drawn'))).toHaveLength(4);
    const { evaluation } = await evaluateRun(first, { options: more });
    // other numbers of pictures are drawn together in other groups: equal up to rounding
    evaluation.pictures.forEach((p, i) => {
      const { features, ...rest } = made.evaluation.pictures[i]!;
      expect(p).toMatchObject(rest);
      p.features.forEach((f, k) => expect(f).toBeCloseTo(features[k]!, 2));
    });
    expect(readdirSync(root).filter((n) => n.startsWith('.partial-'))).toEqual([]);
  });
  it('shares one model among runs of the same settings, with the same numbers as alone, and compares pictures by an ONNX model where one is given', async () => {
    const bench = openWorkbench({ onnx: writeClipOnnx(join(tempDir(), 'clip.onnx')) }), small = { ...options, prompts: 2 };
    try {
      const [one, two] = [(await evaluateRun(first, { options: small, bench })).evaluation, (await evaluateRun(changed, { options: small, bench })).evaluation];
      expect(one.feature_space).toMatchObject({ id: 'onnx', dimensions: 3 });
      expect(one.pictures.every((p) => p.agreement !== null && Math.abs(p.agreement) <= 1.0001)).toBe(true);
      expect(one.reconstructions).toEqual(made.evaluation.reconstructions);
      expect(two.reconstructions[0]!.mse).not.toBe(one.reconstructions[0]!.mse);
      expect((await evaluateRun(changed, { options: small })).evaluation.reconstructions).toEqual(two.reconstructions);
    } finally { bench.dispose(); }
  });
  it('draws what the run drew at its end, with the text encoders that it trained', async () => {
    const { folder } = await evaluateRun(text, { options: { ...options, prompts: 1 } });
    for (const seed of [1, 2]) {
      const [own, last] = await Promise.all([join(folder, 'drawn', `p0000-s${seed}.png`), join(text, 'samples', 'step-00000002', `p00-s${seed}.png`)].map((f) => sharp(f).raw().toBuffer()));
      expect(own!.equals(last!)).toBe(true);
    }
  });
  it('says when there is nothing to evaluate', async () => {
    expect((await errorOf(() => evaluateRun(tempDir()))).code).toBe('run.no_config');
  });
});
