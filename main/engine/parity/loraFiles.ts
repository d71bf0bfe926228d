/** Parity of LoRA files: every naming form reads to the same deltas, and what is written reads back the same. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { loraDelta, scaleOf, type LoraLayer, type LoraWeights } from '../checkpoint/lora/loraWeights.ts';
import type { LoraForm } from '../checkpoint/lora/loraNames.ts';
import { readLora } from '../checkpoint/lora/readLora.ts';
import { writeLora } from '../checkpoint/lora/writeLora.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import { hasSecondEncoder, readJson, relativeError } from './fixture.ts';
import { absentPart, judge, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

const delta = (layer: LoraLayer) => ({ shape: [], data: loraDelta(layer, scaleOf(layer)) });

/** Largest relative difference of any layer's delta; Infinity where the two do not have the same layers. */
export function deltaDifference(a: LoraWeights, b: LoraWeights): number {
  const list = (l: LoraWeights) => [...l.layers].flatMap(([c, own]) => [...own.keys()].map((n) => `${c}/${n}`)).sort();
  if (`${list(a)}` !== `${list(b)}`) return Infinity;
  let worst = 0;
  for (const [component, own] of a.layers) for (const [name, layer] of own) worst = Math.max(worst, relativeError(delta(b.layers.get(component)!.get(name)!), delta(layer)));
  return worst;
}

/** The folder's LoRAs: lora/NAME/pytorch_lora_weights.safetensors, lora/NAME_kohya.safetensors or a LoRA run called NAME in training.json. */
export async function loraNames(dir: string): Promise<string[]> {
  const entries = await readdir(join(dir, 'lora'), { withFileTypes: true });
  const found = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : /^(.+)_kohya\.safetensors$/.exec(entry.name)?.slice(1, 2) ?? []));
  const runs = existsSync(join(dir, 'training.json')) ? await readJson(join(dir, 'training.json')) as Record<string, { config?: { lora?: number } }> : {};
  return [...new Set([...found, ...Object.keys(runs).filter((name) => runs[name]!.config?.lora !== undefined)])].sort();
}
/** Those of LoRA NAME's files that the folder lacks, relative to it. */
export const lackingFiles = (dir: string, name: string, forms: ('diffusers' | 'kohya')[]): string[] =>
  forms.map((form) => fileOf(dir, name, form)).filter((path) => !existsSync(path)).map((path) => relative(dir, path).replaceAll('\\', '/'));
export const fileOf = (dir: string, name: string, form: 'diffusers' | 'kohya'): string =>
  (form === 'diffusers' ? join(dir, 'lora', name, 'pytorch_lora_weights.safetensors') : join(dir, 'lora', `${name}_kohya.safetensors`));

async function namesIn(path: string): Promise<Set<string>> {
  const file = await SafetensorsFile.open(path);
  await file.close();
  return new Set(file.tensors.keys());
}
const notIn = (a: Set<string>, b: Set<string>): number => [...a].filter((n) => !b.has(n)).length;

async function* check(section: string, dir: string, name: string, temp: string): AsyncGenerator<ParityFinding> {
  const missing = lackingFiles(dir, name, ['diffusers', 'kohya']), kohyaPath = fileOf(dir, name, 'kohya');
  if (missing.length) yield absentPart(section, existsSync(fileOf(dir, name, 'diffusers')) ? `${name}: kohya's file` : name, missing);
  if (!existsSync(fileOf(dir, name, 'diffusers'))) return;
  const unetConfig = await readJson(join(dir, 'tiny-sdxl', 'unet', 'config.json')) as Record<string, unknown>;
  const lora = await readLora(fileOf(dir, name, 'diffusers'), unetConfig);
  if (!missing.length) yield judge(section, `${name}: kohya's file = diffusers' file`, deltaDifference(lora, await readLora(kohyaPath, unetConfig)), TOLERANCE.exact);
  const description = { kind: (await hasSecondEncoder(dir)) ? 'sdxl' as const : 'sd15' as const, title: name, resolution: [64, 64] as [number, number], date: new Date().toISOString() };
  for (const form of ['kohya', 'kohya-diffusers', 'diffusers'] satisfies LoraForm[]) {
    const { path } = await writeLora(join(temp, `${name}.${form}.safetensors`), lora, { form, dtype: 'F32', description, unetConfig });
    yield judge(section, `${name}: written as ${form} and read`, deltaDifference(lora, await readLora(path, unetConfig)), TOLERANCE.exact);
    if (form !== 'kohya-diffusers' || missing.length) continue;
    const ours = await namesIn(path), theirs = await namesIn(kohyaPath);
    yield judge(section, `${name}: tensor names as diffusers converts them`, notIn(ours, theirs) + notIn(theirs, ours), TOLERANCE.exact, 'names that differ');
  }
}

export const loraFiles: ParitySection = {
  name: 'LoRA files in and out',
  files: ['tiny-sdxl/unet/config.json', 'lora'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const temp = await mkdtemp(join(tmpdir(), 'lpl-parity-'));
    try {
      for (const name of await loraNames(dir)) yield* check(this.name, dir, name, temp);
    } finally { await rm(temp, { recursive: true, force: true }); }
  },
};
