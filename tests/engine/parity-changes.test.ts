import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { paritySections, runParity } from '../../main/engine/parity/index.ts';
import { lplCases } from '../../main/engine/parity/lpl.ts';
import type { ParityResult, ParitySection } from '../../main/engine/parity/section.ts';
import { trainingRuns } from '../../main/engine/parity/training.ts';
import { fixture } from './math-helpers.ts';
import { changedCopy, MEANS } from './parityChanges.ts';

vi.setConfig({ testTimeout: 300_000 });
let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'lpl-')); });
afterEach(() => rmSync(dir, { recursive: true }));

/** The sections as `lpl parity` has them; the two long ones with a few of their cases. Compiled twins compare the same lines. */
const quick: ParitySection[] = paritySections.filter((s) => !s.name.includes('compiled') && !s.name.includes('names')).map((s) => {
  if (s.name === 'lpl') return { ...s, run: (d) => lplCases(d, (i) => i % 50 === 0) };
  if (s.name === 'training, op by op') return { ...s, run: (d) => trainingRuns(s.name, d, 'tensorflow-eager', (name) => name === 'baseline_lora' || name === 'lpl_snr_v') };
  return s;
});

async function check(sections: ParitySection[]): Promise<{ ok: boolean; lines: ParityResult[] }> {
  const lines: ParityResult[] = [];
  const ok = await runParity(dir, { sections, json: true, write: (line) => { const value = JSON.parse(line); if ('quantity' in value) lines.push(value); } });
  return { ok, lines };
}

/** Compared with itself, not with the folder's values. */
const ownRoundTrip = /: written as .* and read$/;

it('one changed number in every expected value: every line of every section fails', async () => {
  await changedCopy(fixture('parity'), dir);
  const { ok, lines } = await check(quick);
  expect(ok).toBe(false);
  expect(lines.length).toBeGreaterThan(130);
  expect(lines.filter((l) => l.pass && !ownRoundTrip.test(l.quantity)).map((l) => `${l.section} / ${l.quantity}`)).toEqual(['vae, op by op / mean', 'vae, op by op / rect_mean']);
});
it('another noise schedule in the folder is what training is computed with', async () => {
  const training = quick.find((s) => s.name === 'training, op by op')!, section: ParitySection = { ...training, run: (d) => trainingRuns(training.name, d, 'tensorflow-eager', (name) => name === 'baseline_lora') };
  const file = join(dir, 'tiny-sdxl', 'scheduler', 'scheduler_config.json');
  cpSync(fixture('parity'), dir, { recursive: true, dereference: true });
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')) as object, beta_start: 0.0001, beta_end: 0.02, beta_schedule: 'linear' }));
  const { lines } = await check([section]), losses = lines.filter((l) => l.quantity.endsWith('diffusion_loss'));
  expect(losses.map((l) => [l.quantity, l.pass])).toEqual([['baseline_lora: diffusion_loss', false]]);
  rmSync(file);
  expect((await check([section])).lines).toEqual([]);
});
it('posterior means, which are inputs too, are compared', async () => {
  await changedCopy(fixture('parity'), dir, MEANS);
  const { lines } = await check(quick.filter((s) => s.name === 'vae, op by op'));
  expect(lines.filter((l) => ['mean', 'rect_mean'].includes(l.quantity)).map((l) => l.pass)).toEqual([false, false]);
});
