import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { batchPlan, cacheableViews, type PlanOptions } from '../../main/engine/data/batches.ts';
import { batchOrder } from '../../main/engine/data/order.ts';
import { drawLatent, latentSource } from '../../main/engine/data/latentCache.ts';
import { openTensorCache, type CachedTensors } from '../../main/engine/data/tensorCache.ts';
import { item, picture, tempDir } from './train-helpers.ts';

const options: PlanOptions = { crop: 'center', random_flip: false, proportion_empty_prompts: 0, prior_loss_weight: 1, train_batch_size: 2, gradient_accumulation_steps: 1, seed: 7 };

describe('order', () => {
  test('over many epochs every picture is seen equally often, in whole batches of one bucket', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 23 }), fc.integer({ min: 1, max: 7 }), fc.nat(1000), (buckets, size, seed) => {
      const order = batchOrder(buckets, size, seed), epochs = size * 2, seen = new Array<number>(buckets.length).fill(0);
      for (let k = 0; k < order.batchesIn(epochs); k++) {
        const batch = order.batch(k);
        expect(batch.entries).toHaveLength(size);
        for (const e of batch.entries) { expect(buckets[e]).toBe(batch.bucket); seen[e]!++; }
      }
      expect(new Set(seen)).toEqual(new Set([epochs]));
    }), { numRuns: 60 });
  });
  test('batch k does not depend on what was asked before, and the seed matters', () => {
    const buckets = Array.from({ length: 11 }, (_, i) => (i % 3 ? 'a' : 'b'));
    const inOrder = Array.from({ length: 30 }, (_, k) => batchOrder(buckets, 2, 5).batch(k));
    const one = batchOrder(buckets, 2, 5);
    for (const k of [29, 3, 17, 0]) expect(one.batch(k)).toEqual(inOrder[k]);
    expect(Array.from({ length: 30 }, (_, k) => batchOrder(buckets, 2, 6).batch(k))).not.toEqual(inOrder);
  });
});

describe('batch plan', () => {
  const items = Array.from({ length: 5 }, (_, id) => item({ id, name: `p${id}`, captions: ['one', 'two', 'three'], width: 100, height: 64, crop: [18, 0, 64, 64] }));
  test('samples are numbered through the accumulated batches; steps go on through epochs', () => {
    const plan = batchPlan(items, { ...options, gradient_accumulation_steps: 3 });
    expect(plan.step(4).flatMap((m) => m.samples.map((s) => s.sample))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(plan.stepsIn(6)).toBe(5);
    expect(batchPlan(items, { ...options, gradient_accumulation_steps: 3 }).step(4)).toEqual(plan.step(4));
  });
  test('captions, flips, dropped captions and crops vary by step and are as frequent as asked', () => {
    const plan = batchPlan(items, { ...options, random_flip: true, proportion_empty_prompts: 0.25, crop: 'random' });
    const samples = Array.from({ length: 600 }, (_, s) => plan.step(s)[0]!.samples).flat();
    const share = (f: (s: (typeof samples)[number]) => boolean): number => samples.filter(f).length / samples.length;
    expect(share((s) => s.flip)).toBeCloseTo(0.5, 1);
    expect(share((s) => s.caption === '')).toBeCloseTo(0.25, 1);
    for (const c of ['one', 'two', 'three']) expect(share((s) => s.caption === c)).toBeCloseTo(0.25, 1);
    expect(new Set(samples.map((s) => s.crop[0])).size).toBeGreaterThan(30);
    for (const s of samples) expect(s.timeIds).toEqual([64, 100, 0, s.flip ? 36 - s.crop[0] : s.crop[0], 64, 64]);
  });
  test('placed crops and pictures that must not be mirrored are left alone', () => {
    const plan = batchPlan([item({ cropFixed: true, flip: false, width: 100, crop: [30, 0, 64, 64] })], { ...options, random_flip: true, crop: 'random' });
    for (let s = 0; s < 20; s++) for (const sample of plan.step(s)[0]!.samples) expect([sample.flip, sample.crop]).toEqual([false, [30, 0, 64, 64]]);
  });
  test('repeats, and a prior set mixed in at least as often with its weight', () => {
    const plan = batchPlan([item({ id: 1, repeats: 4 }), item({ id: 2, repeats: 2, weight: 0.5 }), item({ id: 3, prior: true })], { ...options, prior_loss_weight: 0.3 });
    expect(plan.epochSize).toBe(12);
    const samples = Array.from({ length: plan.stepsIn(1) }, (_, s) => plan.step(s)[0]!.samples).flat();
    expect([1, 2, 3].map((id) => samples.filter((s) => s.item.id === id).length)).toEqual([4, 2, 6]);
    expect(samples.find((s) => s.item.id === 3)!.weight).toBeCloseTo(0.3);
    expect(samples.find((s) => s.item.id === 2)!.weight).toBeCloseTo(0.5);
  });
  test('what can be cached', () => {
    expect(cacheableViews(items, { crop: 'center', random_flip: true })).toHaveLength(10);
    expect(cacheableViews(items, { crop: 'random', random_flip: false })).toHaveLength(0);
    expect(cacheableViews([item()], { crop: 'random', random_flip: false })).toHaveLength(1);
  });
});

describe('latent cache', () => {
  const posterior: CachedTensors = { mean: { shape: [1, 1, 1, 4], data: Float32Array.of(1, 2, 3, 4) }, logvar: { shape: [1, 1, 1, 4], data: new Float32Array(4).fill(Math.log(0.25)) } };
  test('encodes once per view and VAE, survives a restart, and notices damage', async () => {
    const dir = tempDir(), damaged: string[] = [];
    const file = await picture(join(dir, 'p.png'));
    let encoded = 0;
    const source = (vae: string) => latentSource(openTensorCache({ dir: join(dir, 'cache'), memoryBytes: 0, onDamaged: (f) => damaged.push(f) }), vae, '#ffffff', async (pixels) => {
      expect(pixels).toHaveLength(64 * 64 * 3);
      encoded++;
      return posterior as never;
    });
    const view = { item: item({ file }), crop: [0, 0, 64, 64] as [number, number, number, number], flip: false };
    expect(await source('v1').posterior(view)).toEqual(posterior);
    expect(source('v1').isCached(view)).toBe(true);
    expect(await source('v1').posterior(view)).toEqual(posterior);
    expect(encoded).toBe(1);
    await source('v2').posterior(view);
    await source('v1').posterior({ ...view, flip: true });
    expect(encoded).toBe(3);
    for (const name of readdirSync(join(dir, 'cache'), { recursive: true }) as string[]) if (name.endsWith('.safetensors')) writeFileSync(join(dir, 'cache', name), 'xx');
    expect(await source('v1').posterior(view)).toEqual(posterior);
    expect([encoded, damaged.length]).toEqual([4, 1]);
  });
  test('draws from the posterior by (seed, step, sample); the mean is scaled only', () => {
    const scale = { scaling_factor: 0.5, shift_factor: 1 };
    expect([...drawLatent(posterior, scale, 'mean')]).toEqual([0, 0.5, 1, 1.5]);
    const at = (step: number) => drawLatent(posterior, scale, { seed: 1, step, sample: 0 });
    expect(at(3)).toEqual(at(3));
    expect(at(3)).not.toEqual(at(4));
    const values = Array.from({ length: 4000 }, (_, s) => at(s)[1]!), mean = values.reduce((a, b) => a + b) / 4000;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / 4000)).toBeCloseTo(0.25, 1); // scale · exp(logvar/2)
  });
});
