/** Parity of layouts: the single file and the folder hold the same model, and written again each is what it was. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberingIn, originalPrefixes } from '../checkpoint/keyMapping/original.ts';
import type { ModelSource } from '../checkpoint/modelSource.ts';
import { openModel } from '../checkpoint/openModel.ts';
import { SafetensorsFile } from '../checkpoint/safetensors.ts';
import { writeFolder, writeSingleFile } from '../checkpoint/writeModel.ts';
import { MODEL_FILES } from './fixture.ts';
import { absentPart, judge, mismatch, TOLERANCE, type ParityFinding, type ParitySection } from './section.ts';

/** Largest share of values that differ in any weight of a component; 1 for weights that one of the two lacks. */
async function componentDifference(a: ModelSource, b: ModelSource, component: ModelSource['components'][number]): Promise<number> {
  const names = new Set([...a.weights(component).keys(), ...b.weights(component).keys()]);
  let worst = 0;
  for (const name of names) {
    const both = a.has(component, name) && b.has(component, name);
    worst = Math.max(worst, both ? mismatch((await a.read(component, name)).data, (await b.read(component, name)).data) : 1);
  }
  return worst;
}

/** Share of tensors that two files do not have in common, byte for byte. */
async function fileDifference(pathA: string, pathB: string): Promise<number> {
  const a = await SafetensorsFile.open(pathA), b = await SafetensorsFile.open(pathB);
  try {
    const names = new Set([...a.tensors.keys(), ...b.tensors.keys()]);
    let wrong = 0;
    for (const name of names) {
      const x = a.tensors.get(name), y = b.tensors.get(name), alike = x && y && x.dtype === y.dtype && `${x.shape}` === `${y.shape}`;
      if (!alike || Buffer.compare(await a.readBytes(name), await b.readBytes(name)) !== 0) wrong++;
    }
    return wrong / names.size;
  } finally { await a.close(); await b.close(); }
}

async function namesIn(path: string): Promise<string[]> {
  const file = await SafetensorsFile.open(path);
  await file.close();
  return [...file.tensors.keys()];
}

async function* compare(section: string, folder: string, file: string, temp: string): AsyncGenerator<ParityFinding> {
  const fromFolder = await openModel(folder), keys = await namesIn(file), without = fromFolder.components.filter((c) => !keys.some((key) => key.startsWith(originalPrefixes[fromFolder.kind][c]!)));
  for (const c of without) yield absentPart(section, c, [`${originalPrefixes[fromFolder.kind][c]}* in the single file`]);
  const components = fromFolder.components.filter((c) => !without.includes(c)), fromFile = await openModel(file, { configFrom: folder, components });
  try {
    for (const c of components) yield judge(section, c, await componentDifference(fromFolder, fromFile, c), TOLERANCE.exact, 'share of values that differ');
    if (without.length) { yield absentPart(section, 'written again', without); return; }
    await writeSingleFile(join(temp, 'model.safetensors'), fromFolder, { numbering: numberingIn(fromFolder.kind, fromFolder.configs, keys) });
    yield judge(section, 'folder → single file', await fileDifference(join(temp, 'model.safetensors'), file), TOLERANCE.exact, 'share of tensors that differ');
    await writeFolder(join(temp, 'model'), fromFile, () => Promise.reject(new Error('the folder has its own tokenizers')));
    const written = await openModel(join(temp, 'model'));
    try {
      let worst = 0;
      for (const c of fromFolder.components) worst = Math.max(worst, await componentDifference(fromFolder, written, c));
      yield judge(section, 'single file → folder', worst, TOLERANCE.exact, 'share of values that differ');
    } finally { await written.close(); }
  } finally {
    await fromFolder.close();
    await fromFile.close();
  }
}

export const singleFile: ParitySection = {
  name: 'single-file = folder',
  files: [...MODEL_FILES, 'checkpoints/tiny-sdxl.single-file.safetensors'],
  async *run(dir: string): AsyncGenerator<ParityFinding> {
    const temp = await mkdtemp(join(tmpdir(), 'lpl-parity-'));
    try {
      yield* compare(this.name, join(dir, 'tiny-sdxl'), join(dir, 'checkpoints', 'tiny-sdxl.single-file.safetensors'), temp);
    } finally { await rm(temp, { recursive: true, force: true }); }
  },
};
