import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../main/contract/errors.ts';
import { paritySections, runParity } from '../../main/engine/parity/index.ts';
import { absentPart, judge, type ParityFinding, type ParitySection } from '../../main/engine/parity/section.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'lpl-')); });
afterEach(() => rmSync(dir, { recursive: true }));

const section = (name: string, files: string[], results: ParityFinding[] | Error): ParitySection => ({
  name, files,
  async *run() { if (results instanceof Error) throw results; yield* results; },
});
const good = section('good', ['a.json'], [judge('good', 'case 0: x', 1e-6, 1e-4), judge('good', 'case 1: x', 3e-5, 1e-4)]);
const bad = section('bad', ['a.json'], [judge('bad', 'y', 2e-4, 1e-4)]);

async function check(sections: ParitySection[], json = false, only?: string) {
  const lines: string[] = [];
  const ok = await runParity(dir, { sections, json, only, write: (l) => lines.push(l) });
  return { ok, text: lines.join('\n'), lines };
}

describe('the parity check', () => {
  beforeEach(() => writeFileSync(join(dir, 'a.json'), '{}'));

  it('passes when everything that is there passes, and shows the largest error of a quantity', async () => {
    const { ok, text } = await check([good]);
    expect(ok).toBe(true);
    expect(text).toContain('3.0e-5');
    expect(text).toContain('largest of 2');
  });
  it('fails on one quantity beyond its tolerance, on NaN and on what throws, and goes on', async () => {
    expect((await check([bad, good])).ok).toBe(false);
    expect((await check([section('nan', ['a.json'], [judge('nan', 'z', NaN, 1)])])).ok).toBe(false);
    const { ok, text } = await check([section('broken', ['a.json'], new AppError('x', 'It broke.', 'Mend it.')), good]);
    expect(ok).toBe(false);
    expect(text).toContain('It broke. Mend it.');
    expect(text).toContain('good');
  });
  it('lists what the folder lacks as absent, neither passed nor failed', async () => {
    const { ok, text } = await check([good, section('other', ['a.json', 'b.safetensors'], [])]);
    expect(ok).toBe(true);
    expect(text).toContain('absent: the folder lacks b.safetensors');
    expect(text).toContain('2 quantities pass, 0 fail, 1 parts absent');
  });
  it('lists what a file lacks by the part\'s name, and compares the rest', async () => {
    const parts = [absentPart('some', 'rect.output', ['rect.sample', 'rect.timestep', 'rect.output', 'rect.time_ids']), judge('some', 'output', 1e-6, 1e-4)];
    const { ok, text } = await check([section('some', ['a.json'], parts), section('none', ['a.json'], [absentPart('none', 'y', ['y'])])]);
    expect(ok).toBe(true);
    expect(text).toContain('absent  rect.output: the files lack rect.sample, rect.timestep, rect.output and 1 more');
    expect(text).toContain('1 quantities pass, 0 fail, 2 parts absent');
    expect((await check([section('some', ['a.json'], parts)], true)).lines[0]).toBe(JSON.stringify(parts[0]));
    expect((await check([section('none', ['a.json'], [absentPart('none', 'y', ['y'])])])).ok).toBe(false);
  });
  it('needs no files of a second text encoder where the model has one', async () => {
    mkdirSync(join(dir, 'tiny-sdxl'));
    const two = section('two', ['a.json', 'tiny-sdxl/text_encoder_2/config.json', 'tiny-sdxl/tokenizer_2/vocab.json'], [judge('two', 'x', 0, 0)]);
    writeFileSync(join(dir, 'tiny-sdxl', 'model_index.json'), JSON.stringify({ text_encoder: [], text_encoder_2: [] }));
    expect((await check([two])).text).toContain('absent: the folder lacks tiny-sdxl/text_encoder_2/config.json, tiny-sdxl/tokenizer_2/vocab.json');
    writeFileSync(join(dir, 'tiny-sdxl', 'model_index.json'), JSON.stringify({ text_encoder: [] }));
    expect((await check([two])).text).toContain('1 quantities pass, 0 fail, 0 parts absent');
  });
  it('does not pass when nothing was checked, nor when a section compares nothing', async () => {
    expect((await check([section('other', ['b.safetensors'], [])])).ok).toBe(false);
    expect((await check([good, section('empty', ['a.json'], [])])).ok).toBe(false);
  });
  it('writes every result as a JSON line', async () => {
    const { lines } = await check([good, bad], true);
    const rows = lines.map((l) => JSON.parse(l));
    expect(rows.slice(0, 3).map((r) => [r.quantity, r.pass])).toEqual([['case 0: x', true], ['case 1: x', true], ['y', false]]);
    expect(rows.at(-1)).toEqual({ summary: { passed: 2, failed: 1, absent: 0 }, pass: false });
  });
  it('runs one part alone, and says which there are', async () => {
    expect((await check([good, bad], false, 'good')).ok).toBe(true);
    await expect(check([good], false, 'nothing')).rejects.toThrow(/No part/);
    await expect(runParity(join(dir, 'nowhere'))).rejects.toThrow(/no folder/);
  });
});

it('every part of the issue has its section', () => {
  const names = paritySections.map((s) => s.name).join(', ');
  for (const part of ['tokenizer', 'text', 'vae', 'unet', 'lpl', 'outliers', 'schedulers', 'whole sample', 'training', 'LoRA', 'single']) expect(names).toMatch(new RegExp(part, 'i'));
});
