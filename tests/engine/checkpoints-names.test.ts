import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../main/contract/errors.ts';
import { flatten, fromKohya, toKohya, unflatten } from '../../main/engine/checkpoint/lora/loraNames.ts';
import { renamer } from '../../main/engine/checkpoint/keyMapping/renamer.ts';
import { sdxlStructure, unetRenamer, unetStructure } from '../../main/engine/checkpoint/keyMapping/unet.ts';
import { sd15Names, sdxlNames } from '../../main/engine/parity/checkpoints.ts';
import type { ParityFinding, ParityResult, ParitySection } from '../../main/engine/parity/section.ts';
import { tempFolder } from './checkpoints-helpers.ts';
import { collect, compared } from './math-helpers.ts';

type Shapes = Record<string, number[]>;
const fixture = async <T>(name: string): Promise<T> => JSON.parse(gunzipSync(await readFile(new URL(`../fixtures/checkpoints/${name}.json.gz`, import.meta.url))).toString()) as T;

async function section(part: ParitySection, files: Record<string, unknown>): Promise<AsyncGenerator<ParityFinding>> {
  const dir = await tempFolder();
  await mkdir(join(dir, 'checkpoints'));
  for (const [name, value] of Object.entries(files)) await writeFile(join(dir, 'checkpoints', `${name}.json`), JSON.stringify(value));
  return part.run(dir);
}

const results = async (part: ParitySection, files: Record<string, unknown>): Promise<ParityResult[]> => compared(await section(part, files));

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

  // one tensor in 331 of each list, renamed, reshaped or left out
  const every331st = (shapes: Shapes): string[] => Object.keys(shapes).filter((_, i) => i % 331 === 0);
  const without = (shapes: Shapes, name: string): Shapes => Object.fromEntries(Object.entries(shapes).filter(([key]) => key !== name));
  it('notices any name or shape that changed', async () => {
    const wrong = (part: ParitySection, files: Record<string, unknown>): Promise<boolean> => results(part, files).then((all) => all.some((r) => !r.pass), (error) => error instanceof AppError); // thrown, it fails the section
    const changes: [string, (shapes: Shapes, name: string) => Shapes][] = [
      ['renamed', (shapes, name) => ({ ...without(shapes, name), [`${name}x`]: shapes[name]! })], ['reshaped', (shapes, name) => ({ ...shapes, [name]: [...shapes[name]!.slice(1), shapes[name]![0]! + 1] })],
      ['left out', without],
    ];
    let n = 0;
    const change = (): [string, (shapes: Shapes, name: string) => Shapes] => changes[n++ % 3]!;
    for (const name of every331st(single)) {
      const [how, apply] = change();
      expect(await wrong(sdxlNames, { 'sdxl-base.diffusers': xl, 'sdxl-base.single-file': apply(single, name) }), `${how} ${name}`).toBe(true);
    }
    for (const [part, file, model] of [[sdxlNames, 'sdxl-base.diffusers', xl], [sd15Names, 'sd15.diffusers', sd15]] as const) for (const [component, shapes] of Object.entries(model)) for (const name of every331st(shapes)) {
      const [how, apply] = change();
      expect(await wrong(part, { [file]: { ...model, [component]: apply(shapes, name) }, ...(part === sdxlNames ? { 'sdxl-base.single-file': single } : {}) }), `${how} ${component}/${name}`).toBe(true);
    }
    expect(n).toBeGreaterThan(20);
  });

  it('names a component that a list lacks, and compares the others', async () => {
    const { vae: _, ...withoutVae } = xl, withoutText = Object.fromEntries(Object.entries(single).filter(([key]) => !key.startsWith('conditioner.embedders.0.')));
    const findings = await collect(await section(sdxlNames, { 'sdxl-base.diffusers': withoutVae, 'sdxl-base.single-file': withoutText }));
    expect(findings.filter((r) => 'absent' in r).map((r) => `${r.part}: ${r.absent.join()}`)).toEqual(['vae: vae', 'text_encoder: conditioner.embedders.0.transformer.* in the single file']);
    expect(findings.filter((r) => 'pass' in r).map((r) => `${r.quantity} ${r.pass}`)).toEqual(['diffusers → single file true', 'single file → diffusers true', "unet: the model's own weights true", "text_encoder_2: the model's own weights true"]);
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
