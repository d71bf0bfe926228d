/** Parity of LoRA files: every naming form reads to the same deltas, and what is written reads back the same. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loraDelta, scaleOf, type LoraLayer, type LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import type { LoraForm } from '../checkpoint/lora/loraNames.ts';
import { readLora } from '../checkpoint/lora/readLora.ts';
import { writeLora } from '../checkpoint/lora/writeLora.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import { readJson, relativeError } from './fixture.ts';
import { judge, TOLERANCE, type ParityResult, type ParitySection } from './section.ts';

const delta = (layer: LoraLayer) => ({ shape: [], data: loraDelta(layer, scaleOf(layer)) });

/** Largest relative difference of any layer's delta; Infinity where the two do not have the same layers. */
export function deltaDifference(a: LoraWeights, b: LoraWeights): number {
  const list = (l: LoraWeights) => [...l.layers].flatMap(([c, own]) => [...own.keys()].map((n) => `${c}/${n}`)).sort();
  if (`${list(a)}` !== `${list(b)}`) return Infinity;
  let worst = 0;
  for (const [component, own] of a.layers) for (const [name, layer] of own) worst = Math.max(worst, relativeError(delta(b.layers.get(component)!.get(name)!), delta(layer)));
  return worst;
}

/** The folder's LoRAs: lora/NAME/pytorch_lora_weights.safetensors with lora/NAME_kohya.safetensors. */
export async function loraNames(dir: string): Promise<string[]> {
  return (await readdir(join(dir, 'lora'), { withFileTypes: true })).flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}
export const fileOf = (dir: string, name: string, form: 'diffusers' | 'kohya'): string =>
  (form === 'diffusers' ? join(dir, 'lora', name, 'pytorch_lora_weights.safetensors') : join(dir, 'lora', `${name}_kohya.safetensors`));

async function namesIn(path: string): Promise<Set<string>> {
  const file = await SafetensorsFile.open(path);
  await file.close();
  return new Set(file.tensors.keys());
}
const notIn = (a: Set<string>, b: Set<string>): number => [...a].filter((n) => !b.has(n)).length;

async function* check(section: string, dir: string, name: string, temp: string): AsyncGenerator<ParityResult> {
  const unetConfig = await readJson(join(dir, 'tiny-sdxl', 'unet', 'config.json')) as Record<string, unknown>;
  const kohyaPath = fileOf(dir, name, 'kohya');
  const lora = await readLora(fileOf(dir, name, 'diffusers'), unetConfig), kohya = await readLora(kohyaPath, unetConfig);
  yield judge(section, `${name}: kohya's file = diffusers' file`, deltaDifference(lora, kohya), TOLERANCE.exact);
  const description = { kind: 'sdxl' as const, title: name, resolution: [64, 64] as [number, number], date: new Date().toISOString() };
  for (const form of ['kohya', 'kohya-diffusers', 'diffusers'] satisfies LoraForm[]) {
    const { path } = await writeLora(join(temp, `${name}.${form}.safetensors`), lora, { form, dtype: 'F32', description, unetConfig });
    yield judge(section, `${name}: written as ${form} and read`, deltaDifference(lora, await readLora(path, unetConfig)), TOLERANCE.exact);
    if (form !== 'kohya-diffusers') continue;
    const ours = await namesIn(path), theirs = await namesIn(kohyaPath);
    yield judge(section, `${name}: tensor names as diffusers converts them`, notIn(ours, theirs) + notIn(theirs, ours), TOLERANCE.exact, 'names that differ');
  }
}

export const loraFiles: ParitySection = {
  name: 'LoRA files in and out',
  files: ['tiny-sdxl/unet/config.json', 'lora'],
  async *run(dir: string): AsyncGenerator<ParityResult> {
    const temp = await mkdtemp(join(tmpdir(), 'lpl-parity-'));
    try {
      for (const name of await loraNames(dir)) yield* check(this.name, dir, name, temp);
    } finally { await rm(temp, { recursive: true, force: true }); }
  },
};
