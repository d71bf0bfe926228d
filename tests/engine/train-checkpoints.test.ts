import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { cleanCheckpoints, findCheckpoint, listCheckpoints, saveCheckpoint, supersedeAfter } from '../../main/engine/run/checkpointStore.ts';
import { readGroup, type CheckpointGroups } from '../../main/engine/run/checkpointFiles.ts';
import { errorOf, tempDir } from './train-helpers.ts';

vi.setConfig({ testTimeout: 300_000 });
const groups = (value: number, n = 1000): CheckpointGroups => ({
  weights: [{ name: 'w', dtype: 'F32', shape: [n], bytes: () => new Uint8Array(new Float32Array(n).fill(value).buffer) }],
  optimizer: [{ name: 'm', dtype: 'F32', shape: [2, n / 2], bytes: () => new Uint8Array(new Float32Array(n).fill(-value).buffer) }],
});
const save = (root: string, step: number, limit = 3) => saveCheckpoint(root, step, groups(step), { seed: 1 }, limit);
const never = (): never => { throw new Error('no warning expected'); };

describe('checkpoints', () => {
  test('come back bit-identical, with state', async () => {
    const root = tempDir();
    const saved = await save(root, 250);
    const found = await findCheckpoint(root, 'latest', never);
    expect(found).toMatchObject({ dir: saved.dir, manifest: { step: 250, state: { seed: 1 }, sha256: saved.sha256 } });
    const read: Record<string, [number[], number]> = {};
    for (const group of ['weights', 'optimizer']) await readGroup(found!.dir, group, (name, shape, values) => { read[name] = [shape, values[999]!]; });
    expect(read).toEqual({ w: [[1000], 250], m: [[2, 500], -250] });
  });

  test('the oldest beyond the limit go after the newest is read back', async () => {
    const root = tempDir();
    for (const step of [1, 2, 3, 4]) await save(root, step, 2);
    expect(listCheckpoints(root)).toEqual(['step-00000003', 'step-00000004']);
    expect((await save(root, 5, 2)).removed).toEqual(['step-00000003']);
  });

  test('latest skips damaged ones, each with its reason', async () => {
    const root = tempDir();
    for (const step of [1, 2, 3]) await save(root, step);
    const flip = openSync(join(root, 'step-00000003', 'weights.safetensors'), 'r+');
    writeSync(flip, Buffer.from([7]), 0, 1, 900);
    truncateSync(join(root, 'step-00000002', 'optimizer.safetensors'), 100);
    const reasons: string[] = [];
    const found = await findCheckpoint(root, 'latest', (e) => reasons.push(e.message));
    expect(found!.manifest.step).toBe(1);
    expect(reasons).toEqual([expect.stringContaining('weights.safetensors differs'), expect.stringContaining('optimizer.safetensors differs')]);
    expect((await errorOf(() => findCheckpoint(root, 'step-00000003', never))).code).toBe('checkpoint.damaged');
    const manifest = join(root, 'step-00000001', 'manifest.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"step": 1', '"step": 9'));
    expect((await errorOf(() => findCheckpoint(root, 'latest', () => {}))).code).toBe('checkpoint.none_whole');
    expect((await errorOf(() => findCheckpoint(root, 'step-7', never))).code).toBe('checkpoint.missing');
  });

  test('resuming from an older one sets newer ones aside until the next save', async () => {
    const root = tempDir();
    for (const step of [1, 2, 3]) await save(root, step);
    expect(supersedeAfter(root, 1)).toEqual(['step-00000002', 'step-00000003']);
    expect((await findCheckpoint(root, 'latest', never))!.manifest.step).toBe(1);
    await save(root, 2);
    expect(readdirSync(root)).toEqual(['step-00000001', 'step-00000002']);
  });

  test('a replacement cut off between its two renames is put back', async () => {
    const root = tempDir();
    await save(root, 4);
    renameSync(join(root, 'step-00000004'), join(root, '.old-step-00000004-77'));
    mkdirSync(join(root, '.tmp-step-00000004-77'));
    cleanCheckpoints(root);
    expect(readdirSync(root)).toEqual(['step-00000004']);
    expect((await findCheckpoint(root, 'latest', never))!.manifest.step).toBe(4);
  });

  test('a full disk leaves the older checkpoint and nothing half written', async () => {
    const root = tempDir();
    await save(root, 1);
    const full: CheckpointGroups = { weights: [{ name: 'w', dtype: 'F32', shape: [4], bytes: () => { throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }); } }] };
    expect((await errorOf(() => saveCheckpoint(root, 2, full, {}, 3))).code).toBe('disk.full');
    expect(readdirSync(root)).toEqual(['step-00000001']);
  });

  test('kill -9 at any moment of saving leaves a whole checkpoint', async () => {
    const root = tempDir(), script = fileURLToPath(new URL('./train-save-loop.ts', import.meta.url));
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [script, root], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((r) => child.stdout.once('data', r));
      await new Promise((r) => setTimeout(r, 5 + round * 17));
      child.kill('SIGKILL');
      await new Promise((r) => child.once('exit', r));
      cleanCheckpoints(root);
      const found = await findCheckpoint(root, 'latest', never);
      expect(found).not.toBeNull();
      await readGroup(found!.dir, 'weights', (_n, _s, values) => { expect(values[0]).toBe(found!.manifest.step); expect(values.at(-1)).toBe(found!.manifest.step); });
      expect(readdirSync(root).filter((n) => !n.startsWith('step-'))).toEqual([]);
      expect(existsSync(found!.dir)).toBe(true);
    }
  });
});
