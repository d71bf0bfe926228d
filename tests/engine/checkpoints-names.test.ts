import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { flatten, fromKohya, toKohya, unflatten } from '../../main/engine/checkpoint/lora/loraNames.ts';
import { renamer } from '../../main/engine/checkpoint/keyMapping/renamer.ts';
import { sdxlStructure, unetRenamer, unetStructure } from '../../main/engine/checkpoint/keyMapping/unet.ts';
import { sd15Names, sdxlNames } from '../../main/engine/parity/checkpoints.ts';
import type { ParityResult, ParitySection } from '../../main/engine/parity/section.ts';
import { tempFolder } from './checkpoints-helpers.ts';

type Shapes = Record<string, number[]>;
const fixture = async <T>(name: string): Promise<T> => JSON.parse(gunzipSync(await readFile(new URL(`../fixtures/checkpoints/${name}.json.gz`, import.meta.url))).toString()) as T;

async function results(section: ParitySection, files: Record<string, unknown>): Promise<ParityResult[]> {
  const dir = await tempFolder(), all: ParityResult[] = [];
  await mkdir(join(dir, 'checkpoints'));
  for (const [name, value] of Object.entries(files)) await writeFile(join(dir, 'checkpoints', `${name}.json`), JSON.stringify(value));
  for await (const r of section.run(dir)) all.push(r);
  return all;
}

describe('tensor names of the released checkpoints', async () => {
  const xl = await fixture<Record<string, Shapes>>('sdxl-base.diffusers'), single = await fixture<Shapes>('sdxl-base.single-file');
  const sd15 = await fixture<Record<string, Shapes>>('sd15.diffusers');

  it('SDXL base: all 2,641 map to the single file and back, in shape, none left over', async () => {
    const all = await results(sdxlNames, { 'sdxl-base.diffusers': xl, 'sdxl-base.single-file': single });
    expect(all.filter((r) => !r.pass)).toEqual([]);
    expect(all).toHaveLength(6);
    expect(Object.values(xl).flatMap((s) => Object.keys(s))).toHaveLength(2641);
  });

  it('SD 1.5: all map to a single file and back', async () => {
    const all = await results(sd15Names, { 'sd15.diffusers': sd15 });
    expect(all.filter((r) => !r.pass)).toEqual([]);
    expect(all).toHaveLength(5);
  });

  it('notices one changed name or shape in either list', async () => {
    const { ['model.diffusion_model.out.0.bias']: _, ...without } = single;
    expect((await results(sdxlNames, { 'sdxl-base.diffusers': xl, 'sdxl-base.single-file': without })).some((r) => !r.pass)).toBe(true);
    const reshaped = { ...sd15, unet: { ...sd15['unet'], 'conv_in.bias': [321] } };
    expect((await results(sd15Names, { 'sd15.diffusers': reshaped })).some((r) => !r.pass)).toBe(true);
    const renamed = { ...xl, vae: { ...xl['vae'], 'encoder.conv_inn.bias': [128] } };
    expect((await results(sdxlNames, { 'sdxl-base.diffusers': renamed, 'sdxl-base.single-file': single })).some((r) => !r.pass)).toBe(true);
  });

  it('flattens every layer name to a kohya name that leads back to it, in both forms', () => {
    const layers = (shapes: Shapes) => Object.keys(shapes).filter((n) => n.endsWith('.weight') && !/norm/.test(n)).map((n) => n.slice(0, -'.weight'.length));
    const check = (kind: 'sdxl' | 'sd15', model: Record<string, Shapes>) => {
      const unet = unetRenamer(kind === 'sdxl' ? sdxlStructure : unetStructure({})), seen = new Set<string>();
      for (const component of ['unet', 'text_encoder', 'text_encoder_2'] as const) for (const layer of layers(model[component] ?? {})) {
        expect(unflatten(flatten(layer))).toBe(layer);
        for (const form of ['kohya', 'kohya-diffusers'] as const) {
          const name = toKohya({ component, layer }, form, kind, unet)!;
          expect(fromKohya(name, unet)).toEqual({ component, layer });
          seen.add(`${form} ${name}`);
        }
      }
      return seen.size;
    };
    const count = (model: Record<string, Shapes>) => ['unet', 'text_encoder', 'text_encoder_2'].reduce((n, c) => n + layers(model[c] ?? {}).length, 0);
    expect(check('sdxl', xl)).toBe(2 * count(xl));
    expect(check('sd15', sd15)).toBe(2 * count(sd15));
  });

  it('refuses a module table that would map two modules to one', () => {
    expect(() => renamer([['a', 'x'], ['b', 'x']])).toThrow('one to one');
  });
});
