/** The caches' limits on disk: what goes, what stays, what happens when nothing can be written; LPL's targets through them. */
import { mkdtempSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Executor } from '../../main/engine/backend/executor.ts';
import { expectedShapes } from '../../main/engine/checkpoint/expectedShapes.ts';
import { targetsPlan } from '../../main/engine/program/targetsPlan.ts';
import { openTensorCache, type CachedTensors, type TensorCache } from '../../main/engine/data/tensorCache.ts';
import { openTinyRuns } from './tinyRuns.ts';

vi.setConfig({ testTimeout: 600_000 });
const KB = 1000, one = (value: number): CachedTensors => ({ t: { shape: [5000], data: new Float32Array(5000).fill(value) } }); // 20 KB and a header
const key = (n: number): string => `${n}`.padStart(2, '0').repeat(32);
const files = (dir: string): string[] => (readdirSync(dir, { recursive: true, encoding: 'utf8' })).filter((f) => statSync(join(dir, f)).isFile());
const bytesIn = (dir: string): number => files(dir).reduce((sum, f) => sum + statSync(join(dir, f)).size, 0);

describe('a cache within a limit on disk', () => {
  let dir: string;
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'lpl-')); });
  afterEach(() => rmSync(dir, { recursive: true }));
  const open = (diskBytes: number, more = {}): TensorCache => openTensorCache({ dir, memoryBytes: 0, diskBytes, ...more });
  const never = (): never => { throw new Error('computed again'); };

  test('holds to the limit; what it has no room for is computed each time', async () => {
    const cache = open(60 * KB);
    let computed = 0;
    for (const round of [1, 2]) for (const n of [1, 2, 3, 4]) expect((await cache.get(key(n), async () => { computed++; return one(n); }))['t']!.data[7], `${round}`).toBe(n);
    expect(bytesIn(dir)).toBeLessThanOrEqual(60 * KB);
    expect(files(dir)).toHaveLength(2);
    expect(computed).toBe(4 + 2);
  });
  test('another process finds the same bits, and deletes what was not used for longest', async () => {
    const first = open(60 * KB);
    for (const n of [1, 2]) await first.put(key(n), one(n));
    for (const [n, day] of [[1, 1], [2, 2]] as const) utimesSync(join(dir, key(n).slice(0, 2), `${key(n)}.safetensors`), day, day);
    const second = open(60 * KB);
    expect(await second.get(key(1), never)).toEqual(one(1)); // used: 2 is now the older one
    await second.put(key(3), one(3));
    const kept = () => files(dir).map((f) => Number(f.slice(0, 2))).sort();
    expect(kept()).toEqual([1, 3]);
    for (const [n, day] of [[1, 2], [3, 1]] as const) utimesSync(join(dir, key(n).slice(0, 2), `${key(n)}.safetensors`), day, day);
    await open(60 * KB).put(key(4), one(4));
    expect(kept()).toEqual([1, 4]);
  });
  test('one larger than the limit deletes nothing', async () => {
    await open(60 * KB).put(key(1), one(1));
    await open(21 * KB).put(key(2), one(2));
    expect(files(dir)).toEqual([join(key(1).slice(0, 2), `${key(1)}.safetensors`)]);
  });
  test('a damaged file is said once and makes room; sizes are those on disk, and the limit holds', async () => {
    const writer = open(60 * KB), path = (n: number) => join(dir, key(n).slice(0, 2), `${key(n)}.safetensors`), said: string[] = [];
    for (const n of [1, 2]) await writer.put(key(n), one(n));
    truncateSync(path(1), 9_000);
    const cache = open(45 * KB, { onDamaged: (file: string) => said.push(file) });
    expect(await cache.get(key(1), async () => one(1))).toEqual(one(1));
    expect(await cache.get(key(1), never)).toEqual(one(1)); // whole again
    expect(files(dir)).toHaveLength(2); // 2 could stay, as the damaged one's room is free again
    expect(said).toEqual([path(1)]);
    expect(bytesIn(dir)).toBeLessThanOrEqual(45 * KB);

    const small = open(21 * KB, { onDamaged: (file: string) => said.push(file) }); // no room for one with its header
    truncateSync(path(1), 9_000);
    for (const _ of [1, 2]) expect(await small.get(key(1), async () => one(1))).toEqual(one(1));
    expect(said).toEqual([path(1), path(1)]);
  });
  test('where nothing can be written it says so once and goes on', async () => {
    const said: string[] = [];
    writeFileSync(join(dir, '01'), ''); // a file where the folder should be
    const cache = open(60 * KB, { onUnwritable: (e: Error) => said.push(e.message) });
    for (const n of [1, 1, 2]) expect(await cache.get(key(n), async () => one(n))).toEqual(one(n));
    expect(said).toHaveLength(1);
  });
});

test('LPL targets are fed to models of SD 1.5\'s size, also with an EMA of a LoRA, and computed in every step for SDXL\'s', () => {
  const one = { _class_name: 'UNet2DConditionModel', layers_per_block: 2, in_channels: 4, out_channels: 4 };
  const sd15 = { ...one, block_out_channels: [320, 640, 1280, 1280], down_block_types: [...Array(3).fill('CrossAttnDownBlock2D'), 'DownBlock2D'], up_block_types: ['UpBlock2D', ...Array(3).fill('CrossAttnUpBlock2D')], attention_head_dim: 8, cross_attention_dim: 768 };
  const sdxl = {
    ...one, block_out_channels: [320, 640, 1280], down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'], up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'], transformer_layers_per_block: [1, 2, 10],
    attention_head_dim: [5, 10, 20], cross_attention_dim: 2048, use_linear_projection: true, addition_embed_type: 'text_time', addition_time_embed_dim: 256, projection_class_embeddings_input_dim: 2816,
  };
  const planOf = (unet: Record<string, unknown>, ...more: number[][]): string => {
    const shapes = [...Object.values(expectedShapes('unet', unet)), ...more], variables = new Map(shapes.map((shape, i) => [`w${i}`, { shape, dtype: 'float32' }]));
    return targetsPlan({ variables: () => variables } as unknown as Executor);
  };
  expect(planOf(sd15, [49_490_179], [2, 30_000_000])).toBe('fed');
  expect(planOf(sdxl)).toBe('computed');
});

test('LPL targets from the disk: written by one run, read by the next, the same bits as from memory', async () => {
  const { train } = await openTinyRuns(), cache = join(process.env['LPL_CACHE']!, 'lpl-targets');
  mkdirSync(process.env['LPL_CACHE']!, { recursive: true });
  const metrics = async (memory: number, disk: number) => {
    const ran = await train({ data: { latents: 'mean' }, lpl: { enabled: true, lpl_t_threshold: 1000, lpl_cache_mb: memory, lpl_cache_disk_mb: disk }, training: { max_train_steps: 3, train_batch_size: 2 } });
    expect(ran.reason).toBe('finished');
    return ran.of('step').map(({ metrics: { lpl_loss, grad_norm, diffusion_loss } }) => [lpl_loss, grad_norm, diffusion_loss]);
  };
  const inMemory = await metrics(100, 0);
  expect(() => files(cache)).toThrow();
  expect(await metrics(0, 100)).toEqual(inMemory);
  const written = files(cache), times = () => written.map((f) => statSync(join(cache, f)).ino);
  expect(written.length).toBeGreaterThan(1);
  const before = times();
  expect(await metrics(0, 100)).toEqual(inMemory);
  expect(times()).toEqual(before); // read, not written again
});
