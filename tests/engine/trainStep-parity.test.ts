import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { trainingRuns } from '../../main/engine/parity/training.ts';
import { compared, fixture } from './math-helpers.ts';

vi.setConfig({ testTimeout: 900_000 }); // a graph of the whole step is compiled; a loaded machine takes minutes for it

// `lpl parity` runs all eight configurations on both executors
it('compiled: a LoRA with LPL follows PyTorch for ten steps', async () => {
  const results = await compared(trainingRuns('training', fixture('parity'), 'tensorflow', (name) => name === 'lpl_lora'));
  expect(results.filter((r) => !r.pass)).toEqual([]);
  expect(results.map((r) => r.quantity)).toEqual(['diffusion_loss', 'lpl_loss', 'total_loss', 'lpl_samples', 'grad_norm', 'lr', 'final weights'].map((q) => `lpl_lora: ${q}`));
});

it('op by op: accumulation, cosine schedule and LPL follow PyTorch, and one changed loss of ten is found', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lpl-'));
  for (const name of ['tiny-sdxl', 'training.safetensors']) symlinkSync(join(fixture('parity'), name), join(dir, name));
  const recorded = JSON.parse(readFileSync(join(fixture('parity'), 'training.json'), 'utf8'));
  recorded.lpl_accumulate.steps[6].lpl_loss *= 1.0005;
  writeFileSync(join(dir, 'training.json'), JSON.stringify(recorded));
  const results = await compared(trainingRuns('training', dir, 'tensorflow-eager', (name) => name === 'lpl_accumulate'));
  rmSync(dir, { recursive: true });
  expect(results).toHaveLength(7);
  expect(results.filter((r) => !r.pass).map((r) => r.quantity)).toEqual(['lpl_accumulate: lpl_loss']);
});
