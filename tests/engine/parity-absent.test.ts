/** What a fixtures folder's files do not hold is listed as absent by name: not failed, not passed, and the rest is compared. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { writeSafetensors, type TensorToWrite } from '../../main/engine/checkpoint/writeSafetensors.ts';
import { paritySections, runParity } from '../../main/engine/parity/index.ts';
import { lplCases } from '../../main/engine/parity/lpl.ts';
import type { AbsentPart, ParityResult, ParitySection } from '../../main/engine/parity/section.ts';
import { trainingRuns } from '../../main/engine/parity/training.ts';
import { unetParity } from '../../main/engine/parity/unet.ts';
import { fixture, readJson } from './math-helpers.ts';

vi.setConfig({ testTimeout: 300_000 });
let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'lpl-')); cpSync(fixture('parity'), dir, { recursive: true, dereference: true }); });
afterEach(() => rmSync(dir, { recursive: true }));

/** Writes a file of tensors again without those that `gone` names. */
async function without(name: string, gone: RegExp): Promise<void> {
  const path = join(dir, `${name}.safetensors`), file = await SafetensorsFile.open(path), tensors: TensorToWrite[] = [];
  for (const [tensor, { shape, dtype }] of file.tensors) {
    const bytes = (await file.readBytes(tensor)).slice();
    if (!gone.test(tensor)) tensors.push({ name: tensor, dtype, shape: [...shape], bytes: () => bytes });
  }
  const { metadata } = file;
  await file.close();
  expect(tensors.length).toBeLessThan(file.tensors.size);
  await writeSafetensors(path, tensors, metadata);
}
function changeJson<T>(name: string, change: (value: T) => void): void {
  const path = join(dir, `${name}.json`), value = JSON.parse(readFileSync(path, 'utf8')) as T;
  change(value);
  writeFileSync(path, JSON.stringify(value));
}

/** One backend of each part, and of the long ones a case or a run. */
const quick: ParitySection[] = paritySections.filter((s) => !/compiled|names|single/.test(s.name)).map((s) => {
  if (s.name === 'lpl') return { ...s, run: (d) => lplCases(d, (i) => i < 2) };
  if (s.name === 'unet, op by op') return { ...s, run: (d) => unetParity(s.name, d, 'tensorflow-eager', ['', 'rect.', 'gradients']) };
  if (s.name === 'training, op by op') return { ...s, run: (d) => trainingRuns(s.name, d, 'tensorflow-eager', (name) => name === 'lpl_full') }; // what a run's steps lack: parity-everyValue
  return s;
});

interface Checked { ok: boolean; results: ParityResult[]; absent: string[]; failed: unknown[] }
async function check(sections: ParitySection[]): Promise<Checked> {
  const results: ParityResult[] = [], absent: string[] = [], failed: unknown[] = [];
  const ok = await runParity(dir, { sections, json: true, write: (line) => {
    const value = JSON.parse(line) as ParityResult | AbsentPart | object;
    if ('quantity' in value) results.push(value);
    else if ('part' in value) absent.push(`${value.section} / ${value.part}: ${value.absent.slice(0, 2).join(', ')}`);
    else if (!('summary' in value)) failed.push(value);
  } });
  return { ok, results, absent: absent.sort(), failed };
}

it('values that are compared: each is named, everything else still passes', async () => {
  changeJson<{ ids_2?: number[] }[]>('tokenizer', (cases) => { delete cases[0]!.ids_2; });
  await without('text', /^hidden_2$/);
  changeJson<{ negative_prompt?: string }>('text', (t) => { delete t.negative_prompt; });
  await without('vae', /^(feature_2|rect_decoded)$/);
  await without('unet', /^(rect\.output|grad\.conv_out\.bias)$/);
  changeJson<{ grad_norms: Record<string, number> }>('unet', ({ grad_norms }) => { delete grad_norms['conv_in.weight']; });
  changeJson<{ cases: { stats?: object }[] }>('lpl', (l) => { l.cases.splice(30); delete l.cases[1]!.stats; });
  await without('lpl', /^case_0\.grad$/);
  await without('outliers', /^mask_down2$/);
  await without('schedulers', /^(cosine\.snr|ddim\.timesteps|euler\.step_3)$/);
  changeJson<{ samplers: Record<string, unknown> }>('schedulers', ({ samplers }) => { delete samplers['unipc']; });
  await without('sample', /^(final_latents|image)$/);
  changeJson<Record<string, unknown>>('training', (runs) => { delete runs['lpl_full']; });
  await without('training', /^baseline_lora\.unet_output$/);
  rmSync(join(dir, 'lora', 'lpl_lora_kohya.safetensors'));

  const { ok, results, absent, failed } = await check(quick);
  expect(failed).toEqual([]);
  expect(results.filter((r) => !r.pass)).toEqual([]);
  expect(ok).toBe(true);
  const text = readJson<{ text: string }[]>('parity/tokenizer.json')[0]!.text;
  expect(absent).toEqual([
    `tokenizer / tokenizer_2: ${JSON.stringify(text)}: ids_2`,
    'text, op by op / hidden_2: hidden_2', 'text, op by op / negative_prompt_embeds: negative_prompt', 'text, op by op / negative_pooled_prompt_embeds: negative_prompt',
    'vae, op by op / feature_2: feature_2', 'vae, op by op / rect_decoded: rect_decoded',
    'unet, op by op / rect.output: rect.output',
    'unet, op by op / gradient of conv_out.bias: grad.conv_out.bias', 'unet, op by op / gradient norms: conv_in.weight',
    'lpl / 90 of 120 combinations of options: mse shared pow_law blocks 0, mse shared pow_law blocks 0 outliers removed',
    'lpl / case 0: gradient: case_0.grad', ...['mean', 'std'].map((k) => `lpl / case 1: statistics: ${k}: cases[1].stats: ${k}`), 'lpl / case 1: statistics: outlier ratio: cases[1].stats: outlier_ratio',
    'outliers / mask, down_f 2: mask_down2',
    'schedulers / cosine: snr: cosine.snr', 'schedulers / ddim: timesteps: ddim.timesteps', 'schedulers / euler: steps: euler.step_3', 'schedulers / unipc: samplers.unipc',
    'whole sample, op by op / final latents: final_latents', 'whole sample, op by op / picture: image',
    'training, op by op / lpl_full: lpl_full',
    'LoRA files in and out / lpl_lora: kohya\'s file: lora/lpl_lora_kohya.safetensors',
    ...['diffusers\'s file', 'kohya\'s file', 'diffusers\'s file merged'].map((form) => `LoRA applied / baseline_lora: UNet's output with ${form}: baseline_lora.unet_output`),
    'LoRA applied / lpl_lora: UNet\'s output with kohya\'s file: lora/lpl_lora_kohya.safetensors',
  ].sort());
  for (const name of ['euler: steps', 'gradient norms of', 'case 1: gradient']) expect(results.some((r) => r.quantity.includes(name)), name).toBe(true); // what is left of them is compared
});

it('values that are computed from: whatever hangs on them is absent, and nothing fails', async () => {
  await without('text', /^ids/);
  await without('vae', /^(rect_image|mean)$/);
  await without('unet', /^(sample|rect\.timestep)$/);
  await without('lpl', /^pred$/);
  await without('outliers', /^feature$/);
  await without('schedulers', /^(x0|xT)$/);
  await without('sample', /^latents$/);
  await without('training', /^noise$/);
  const { ok, results, absent, failed } = await check(quick);
  expect(failed).toEqual([]);
  expect(results.filter((r) => !r.pass)).toEqual([]);
  expect(ok).toBe(true);
  expect(new Set(results.map((r) => r.section))).toEqual(new Set(['tokenizer', 'text, op by op', 'vae, op by op', 'schedulers', 'LoRA files in and out']));
  for (const line of [
    'text, op by op / prompt_embeds: ids, ids_2', 'vae, op by op / decoded: mean', 'vae, op by op / rect_mean: rect_image', 'unet, op by op / output: sample', 'unet, op by op / gradients: sample',
    'unet, op by op / rect.output: rect.timestep', 'lpl / every case: pred', 'outliers / mask, down_f 1: feature', 'schedulers / sdxl: noisy: x0', 'schedulers / ddim: steps: xT',
    'whole sample, op by op / picture: latents', 'training, op by op / lpl_full: noise', 'LoRA applied / lpl_lora: UNet\'s output with kohya\'s file: sample',
  ]) expect(absent).toContain(line);
});
