/**
 * Set-up of TensorFlow under bad luck, with small made-up wheels on a server of the test's own: no network, no Python, an interruption
 * anywhere, damaged files, a full or read-only disk, no compiler. What is half there is never taken for whole, and the next try goes on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AppError } from '../../main/contract/errors.ts';
import { cudaEnv } from '../../main/runtime/cudaEnv.ts';
import { setupRuntime, type Runtime, type SetupOptions } from '../../main/runtime/setup.ts';
import { remove, smallDisk, temporaryFolder } from '../api/helpers.ts';
import { fakeIndex, fakeWheel, type FakeIndex } from '../fixtures/fakeIndex.ts';

const wheel = { package: 'tensorflow-cpu' as const, version: '9.9.9', platforms: ['manylinux_2_27_x86_64'], python: '3.12', libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'], wheelMb: 1, spaceMb: 3, cuda: [] as string[] };
let dir: string, index: FakeIndex, said: string[];
beforeEach(async () => {
  dir = temporaryFolder();
  index = await fakeIndex();
  index.add(wheel.package, await fakeWheel(wheel.package, wheel.version, { 'tensorflow/libtensorflow_cc.so.2': 2e6, 'tensorflow/libtensorflow_framework.so.2': 5e5, 'tensorflow/include/tensorflow/c/c_api.h': 100, 'tensorflow/python/x.py': 10 }));
  said = [];
  withoutPython();
  vi.stubEnv('LPL_PYPI', index.url);
  mkdirSync(join(dir, 'package', 'binding'), { recursive: true });
  writeFileSync(join(dir, 'prebuilt.node'), 'binding');
});
afterEach(() => { vi.unstubAllEnvs(); index.close(); remove(dir); });

/** A PATH without python3, pip and compilers. */
function withoutPython(): void {
  const empty = join(dir, 'empty-path');
  mkdirSync(empty, { recursive: true });
  vi.stubEnv('PATH', empty);
  vi.stubEnv('LPL_PYTHON', '');
}
const place = (root = dir): { packageDir: string; runtimeDir: string } => ({ packageDir: join(root, 'package'), runtimeDir: join(root, 'runtime') });
/** TensorFlow "loads" when both libraries are whole behind the names that the binding asks for. */
const loads = (packageDir: string): ReturnType<NonNullable<SetupOptions['probe']>> => {
  const size = (name: string): number => { try { return readFileSync(join(packageDir, 'deps', 'lib', name)).length; } catch { return 0; } };
  return size('libtensorflow.so') === 2e6 && size('libtensorflow_framework.so') === 5e5 ? { ok: true, version: '9.9.9' } : { ok: false, why: 'libtensorflow.so: cannot open shared object file' };
};
const setup = (more: Partial<SetupOptions> = {}): Promise<Runtime> => setupRuntime({
  ...place(), wheel, prebuilt: join(dir, 'prebuilt.node'), probe: loads, report: { stage: () => undefined, line: (l) => said.push(l) },
  installer: () => Promise.reject(new AppError('setup.installer_failed', 'The installer of tfjs-node-gpu failed too.', 'Check the network connection.')), ...more,
});

test('without Python the wheel comes from PyPI itself; the next start only looks at the stamp', async () => {
  expect(await setup()).toMatchObject({ backend: 'tensorflow', version: '9.9.9', wheel: 'tensorflow-cpu-9.9.9' });
  const { runtimeDir } = place();
  expect(readdirSync(runtimeDir).sort()).toEqual(['runtime.json', 'tensorflow']);
  index.close();
  expect(await setup({ probe: () => { throw new Error('asked again'); } })).toMatchObject({ backend: 'tensorflow' });
});

test('without network: wasm, with what failed, what to do and what it costs; with a network the next try succeeds', async () => {
  vi.stubEnv('LPL_PYPI', 'http://127.0.0.1:9');
  const runtime = await setup();
  expect(runtime).toMatchObject({ backend: 'wasm', problem: expect.stringMatching(/could not be downloaded.*127\.0\.0\.1:9 does not answer.*no Python with pip.*Check the network connection, or install Python 3 with pip/) });
  expect(said.join('\n')).toMatch(/wasm backend is used: about 7 times slower/);
  vi.stubEnv('LPL_PYPI', index.url);
  expect(await setup()).toMatchObject({ backend: 'tensorflow', problem: null });
});

test('pip\'s refusal is passed on, and PyPI itself is asked then', async () => {
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'python3'), `#!/bin/sh\ncase "$*" in *--version*) exit 0;; esac\necho "ERROR: Could not find a version that satisfies the requirement" >&2\nexit 1\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}${delimiter}/bin`);
  vi.stubEnv('LPL_PYPI', 'http://127.0.0.1:9');
  expect((await setup()).problem).toMatch(/pip says: ERROR: Could not find a version/);
  vi.stubEnv('LPL_PYPI', index.url);
  expect(await setup()).toMatchObject({ backend: 'tensorflow' });
});

test('a download that breaks off goes on where it stopped, also after kill -9', async () => {
  index.breakAfter(700_000);
  expect(await setup()).toMatchObject({ backend: 'wasm' });
  const part = readdirSync(join(dir, 'runtime', 'download')).find((n) => n.endsWith('.part'))!;
  const have = readFileSync(join(dir, 'runtime', 'download', part)).length;
  expect(have).toBeGreaterThan(100_000);
  index.breakAfter(null);
  expect(await setup()).toMatchObject({ backend: 'tensorflow' });
  expect(index.ranges.at(-1)).toBe(`bytes=${have}-`);
});

test('a download that arrives damaged is thrown away and fetched again', async () => {
  index.damage(true);
  expect((await setup()).problem).toMatch(/arrived damaged/);
  index.damage(false);
  expect(await setup()).toMatchObject({ backend: 'tensorflow' });
});

test('kill -9 while unpacking leaves nothing that is taken for whole, and the next try finishes', { timeout: 120_000 }, async () => {
  const child = join(import.meta.dirname, '..', 'fixtures', 'setupChild.ts');
  const { packageDir, runtimeDir } = place();
  for (const killAt of ['Unpacking tensorflow-cpu 0', 'Unpacking tensorflow-cpu 40', 'Placing the binding']) {
    const killed = spawn(process.execPath, [child, packageDir, runtimeDir, join(dir, 'prebuilt.node'), JSON.stringify(wheel), killAt], { stdio: ['ignore', 'inherit', 'inherit'] });
    expect(await new Promise((resolve) => { killed.once('exit', (_code, signal) => resolve(signal)); })).toBe('SIGKILL');
    expect(existsSync(join(runtimeDir, 'runtime.json'))).toBe(false);
    expect(existsSync(join(runtimeDir, 'tensorflow', 'libtensorflow_framework.so.2'))).toBe(killAt.startsWith('Placing'));
  }
  index.close(); // the last attempt had everything
  expect(await setup()).toMatchObject({ backend: 'tensorflow' });
});

test.each([['the download', 1], ['unpacking', 4]])('a disk that is full during %s is said, and with space the next try goes on', async (_, mb) => {
  const disk = temporaryFolder();
  smallDisk(disk, mb);
  const options = { runtimeDir: join(disk, 'runtime'), wheel: { ...wheel, spaceMb: 0 } };
  expect((await setup(options)).problem).toMatch(/not enough space for TensorFlow in .*Free some space, then start again/);
  spawnSync('/bin/mount', ['-o', 'remount,size=20m', disk]);
  expect(await setup(options)).toMatchObject({ backend: 'tensorflow' });
});

test('a disk that would not hold it is told before anything is fetched', async () => {
  const disk = temporaryFolder();
  smallDisk(disk, 2);
  expect((await setup({ runtimeDir: join(disk, 'runtime') })).problem).toMatch(/3 MB are needed, 2 MB are free/);
  expect(index.ranges).toEqual([]);
});

test('a folder that may not be written is named', async () => {
  const disk = temporaryFolder();
  smallDisk(disk, 8);
  spawnSync('/bin/mount', ['-o', 'remount,ro', disk]);
  expect((await setup({ runtimeDir: join(disk, 'runtime') })).problem).toMatch(/may not be written \(EROFS\).*Make the folder writable/);
});

test('without a built binding and without a compiler the missing compiler is named; the headers were fetched for it', async () => {
  vi.stubEnv('CXX', 'no-such-compiler');
  const { problem } = await setup({ prebuilt: join(dir, 'none.node') });
  expect(problem).toMatch(/no C\+\+ compiler \(no-such-compiler\).*Install g\+\+|xcode-select/);
  expect(existsSync(join(dir, 'package', 'deps', 'include', 'tensorflow', 'c', 'c_api.h'))).toBe(true);
});

test('a TensorFlow of an older version of the app is replaced, and used on while that is not to be had', async () => {
  await setup();
  const newer = { ...wheel, version: '9.9.10' };
  expect(await setup({ wheel: newer })).toMatchObject({ backend: 'tensorflow', version: '9.9.9', wheel: 'tensorflow-cpu-9.9.9', problem: expect.stringMatching(/could not be downloaded/) });
  index.add(newer.package, await fakeWheel(newer.package, newer.version, { 'tensorflow/libtensorflow_cc.so.2': 2e6, 'tensorflow/libtensorflow_framework.so.2': 5e5 }));
  expect(await setup({ wheel: newer })).toMatchObject({ wheel: 'tensorflow-cpu-9.9.10', problem: null });
});

test('an NVIDIA card\'s wheels go where TensorFlow and its children find them; one that is missing is not passed over', async () => {
  const gpu = { ...wheel, package: 'tensorflow' as const, cuda: ['nvidia-cublas-cu12==12.9', 'nvidia-cuda-nvcc-cu12==12.9'] };
  index.add('tensorflow', await fakeWheel('tensorflow', wheel.version, { 'tensorflow/libtensorflow_cc.so.2': 2e6, 'tensorflow/libtensorflow_framework.so.2': 5e5 }));
  index.add('nvidia-cublas-cu12', await fakeWheel('nvidia-cublas-cu12', '12.9', { 'nvidia/cublas/lib/libcublas.so.12': 1000, 'nvidia/cublas/include/cublas.h': 10 }));
  expect(await setup({ wheel: gpu })).toMatchObject({ backend: 'wasm', problem: expect.stringMatching(/nvidia-cuda-nvcc-cu12 12.9 could not be downloaded/) });
  index.add('nvidia-cuda-nvcc-cu12', await fakeWheel('nvidia-cuda-nvcc-cu12', '12.9', { 'nvidia/cuda_nvcc/bin/ptxas': 1000, 'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc': 10 }));
  expect(await setup({ wheel: gpu })).toMatchObject({ backend: 'tensorflow', wheel: 'tensorflow-9.9.9' });
  expect(index.fetched.filter((n) => n.startsWith('tensorflow-'))).toHaveLength(1);
  const nvidia = join(dir, 'runtime', 'tensorflow', 'nvidia');
  expect(readdirSync(join(dir, 'package', 'deps', 'nvidia', 'cublas'))).toEqual(['lib']);
  expect(cudaEnv(join(dir, 'runtime'), {})).toEqual({ LD_LIBRARY_PATH: join(nvidia, 'cublas', 'lib'), XLA_FLAGS: `--xla_gpu_cuda_data_dir=${join(nvidia, 'cuda_nvcc')}` });
});

test('what does not load is not called ready', async () => {
  const runtime = await setup({ probe: () => ({ ok: false, why: 'GLIBCXX_3.4.29 not found' }) });
  expect(runtime).toMatchObject({ backend: 'wasm', problem: expect.stringMatching(/does not load: GLIBCXX_3.4.29 not found/) });
});
