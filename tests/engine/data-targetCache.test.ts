/** The caches' limits on disk: what goes, what stays, what happens when nothing can be written; LPL's targets through them. */
import { mkdtempSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
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
  test('where nothing can be written it says so once and goes on', async () => {
    const said: string[] = [];
    writeFileSync(join(dir, '01'), ''); // a file where the folder should be
    const cache = open(60 * KB, { onUnwritable: (e: Error) => said.push(e.message) });
    for (const n of [1, 1, 2]) expect(await cache.get(key(n), async () => one(n))).toEqual(one(n));
    expect(said).toHaveLength(1);
  });
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
