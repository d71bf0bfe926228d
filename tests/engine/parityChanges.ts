/** A copy of a fixtures folder in which every expected value has one number changed: whatever still passes there is not compared. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SafetensorsFile } from '../../main/engine/checkpoint/safetensors.ts';
import { openModel } from '../../main/engine/checkpoint/openModel.ts';
import { writeSafetensors, type TensorToWrite } from '../../main/engine/checkpoint/writeSafetensors.ts';
import { writeSingleFile } from '../../main/engine/checkpoint/writeModel.ts';

/** Expected tensors of each file. vae's means are fed to the decoder as well and have a copy of their own (`means`). */
export const EXPECTED: Record<string, RegExp> = {
  text: /^(?!ids)/, vae: /logvar|decoded|feature_/, unet: /output$|^grad\./, lpl: /\.grad$/, outliers: /^mask/, sample: /^(final_latents|image)$/,
  schedulers: /\.(alphas_cumprod|noisy|velocity|snr|timesteps|sigmas|step_0)$/, training: /\.(final|ema)\.|unet_output$/,
  'lora/lpl_lora/pytorch_lora_weights': /(lora_A|down)\.weight$/, 'lora/baseline_lora/pytorch_lora_weights': /(lora_A|down)\.weight$/,
};
export const MEANS: Record<string, RegExp> = { vae: /mean$/ };

/** Writes the file again with the first value of each tensor that `which` names raised by the tensor's largest. */
export async function changeTensors(path: string, which: RegExp): Promise<void> {
  const file = await SafetensorsFile.open(path), tensors: TensorToWrite[] = [];
  for (const [name, { shape, dtype }] of file.tensors) {
    const bytes = (await file.readBytes(name)).slice();
    if (which.test(name) && dtype === 'F32') {
      const values = new Float32Array(bytes.buffer);
      values[0]! += values.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
    } else if (which.test(name)) bytes[0]! ^= 1; // masks
    tensors.push({ name, dtype, shape: [...shape], bytes: () => bytes });
  }
  const { metadata } = file;
  await file.close();
  await writeSafetensors(path, tensors, metadata);
}

const changeJson = <T>(dir: string, name: string, change: (value: T) => void): void => {
  const value = JSON.parse(readFileSync(join(dir, name), 'utf8')) as T;
  change(value);
  writeFileSync(join(dir, name), JSON.stringify(value));
};
type LplCase = { loss: number[]; layers: number[][]; stats: Record<string, number>[] };
type Training = Record<string, { steps: Record<string, number>[] }>;

/** The numbers in JSON files: one token id, one norm, one loss, one layer, one of each statistic, one step's log. */
function changeNumbers(dir: string): void {
  changeJson<{ ids: number[]; ids_2: number[] }[]>(dir, 'tokenizer.json', (cases) => { for (const c of cases) { c.ids[1]!++; c.ids_2[1]!++; } });
  changeJson<{ grad_norms: Record<string, number> }>(dir, 'unet.json', ({ grad_norms }) => { grad_norms['conv_in.weight']! *= 1.01; });
  changeJson<{ cases: LplCase[] }>(dir, 'lpl.json', ({ cases }) => {
    for (const c of cases) { c.loss[0]! *= 1.01; c.layers[0]![0]! *= 1.01; for (const k of Object.keys(c.stats[0]!)) c.stats[0]![k]! += 0.1; }
  });
  changeJson<Training>(dir, 'training.json', (runs) => {
    for (const { steps } of Object.values(runs)) for (const k of Object.keys(steps[5]!)) steps[5]![k] = steps[5]![k]! * 1.01 + (k === 'lr' ? 0 : 0.1);
  });
}

/** A name in kohya's file that diffusers' conversion does not write. */
async function renameOne(path: string): Promise<void> {
  const file = await SafetensorsFile.open(path), tensors: TensorToWrite[] = [];
  for (const [name, { shape, dtype }] of file.tensors) {
    const bytes = (await file.readBytes(name)).slice();
    if (!name.endsWith('.alpha') || tensors.some((t) => t.name.endsWith('.alpha'))) tensors.push({ name, dtype, shape: [...shape], bytes: () => bytes });
  }
  const { metadata } = file;
  await file.close();
  await writeSafetensors(path, tensors, metadata);
}

/** Copies `from` to `to` with every expected value changed; the single file is written first: the small fixtures lack it. */
export async function changedCopy(from: string, to: string, expected = EXPECTED): Promise<void> {
  cpSync(from, to, { recursive: true, dereference: true });
  for (const [file, which] of Object.entries(expected)) await changeTensors(join(to, `${file}.safetensors`), which);
  if (expected !== EXPECTED) return;
  changeNumbers(to);
  for (const name of ['lpl_lora', 'baseline_lora']) await renameOne(join(to, 'lora', `${name}_kohya.safetensors`));
  const source = await openModel(join(from, 'tiny-sdxl')), single = join(to, 'checkpoints', 'tiny-sdxl.single-file.safetensors');
  mkdirSync(join(to, 'checkpoints'), { recursive: true });
  await writeSingleFile(single, source);
  await source.close();
  await changeTensors(single, /(conv_in\.weight|input_blocks\.0\.0\.weight|position_embedding\.weight|positional_embedding)$/);
}
