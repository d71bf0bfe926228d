/** The doctor: what it measures with TensorFlow and without, and that it never throws. */
import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examine } from '../../main/runtime/doctor.ts';
import { tensorflowVersion } from '../../main/runtime/wheels.ts';

const root = join(import.meta.dirname, '..', '..');
const probe = (...options: string[]): { backend: string; version: string | null; problem?: string; speeds: { gflops: number }[] } => {
  const run = spawnSync(process.execPath, [...options, join(root, 'main', 'engine', 'doctorProbe.ts')], { encoding: 'utf8' });
  expect(run.status, run.stderr).toBe(0);
  return JSON.parse(run.stdout.trim().split('\n').at(-1)!) as never;
};

test('with TensorFlow: its version, and GFLOP/s of a convolution and of a matrix product', () => {
  const found = probe();
  expect(found).toMatchObject({ backend: 'tensorflow', version: tensorflowVersion });
  expect(found.speeds.map((s) => s.gflops > 0)).toEqual([true, true]);
});

test('without TensorFlow: why, and how fast wasm is instead', async () => {
  const found = probe('--require', join(root, 'tests', 'fixtures', 'withoutTensorFlow.cjs'));
  expect(found).toMatchObject({ backend: 'wasm', version: null, problem: expect.stringMatching(/libtensorflow/) });
  expect(found.speeds.map((s) => s.gflops > 0)).toEqual([true, true]);
  const report = await examine(root, () => Promise.resolve({ devices: [], ...found } as never));
  expect(report.ok).toBe(false);
  expect(report.checks.find((c) => c.name === 'TensorFlow computes')).toMatchObject({ ok: false, message: expect.stringMatching(/libtensorflow.*7 times slower/), hint: expect.stringMatching(/setup/) });
});

test('a data folder that is not there yet has the free space of its disk; a probe that fails is a check that fails', async () => {
  const report = await examine(join(tmpdir(), 'not', 'made', 'yet'), () => Promise.reject(new Error('it ended by SIGILL')));
  const { bavail, bsize } = statfsSync(tmpdir());
  expect(report.disk_free_mb).toBeGreaterThan((bavail * bsize) / 1e6 / 2);
  expect(report.checks.find((c) => c.name === 'TensorFlow computes')).toMatchObject({ ok: false, message: 'it ended by SIGILL' });
});
