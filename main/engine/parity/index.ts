/**
 * The parity check: everything in a fixtures folder computed again and compared. Nothing expected is stored here; any shapes that the folder's
 * configs state work. A part whose files, or whose values in them, are not all there is listed as absent, never as passed.
 */
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, toAppError } from '../../contract/errors.ts';
import { loadNodeBackend } from '../backend/nodeBinding.ts';
import { hasSecondEncoder } from './fixture.ts';
import { singleFile } from './checkpointFiles.ts';
import { sd15Names, sdxlNames } from './checkpoints.ts';
import { loraFiles } from './loraFiles.ts';
import { loraOutput } from './loraOutput.ts';
import { lpl } from './lpl.ts';
import { outliers } from './outliers.ts';
import { parityReport, type ParityReport } from './report.ts';
import { sample, sampleEager } from './sample.ts';
import { schedulers } from './schedulers.ts';
import type { ParitySection } from './section.ts';
import { text, textEager } from './text.ts';
import { tokenizer } from './tokenizer.ts';
import { training, trainingEager } from './training.ts';
import { unet, unetEager } from './unet.ts';
import { vae, vaeEager } from './vae.ts';

export const paritySections: readonly ParitySection[] = [
  tokenizer, text, textEager, vae, vaeEager, unet, unetEager, lpl, outliers, schedulers, sample, sampleEager, training, trainingEager, loraFiles, loraOutput, singleFile, sdxlNames, sd15Names,
];

export interface ParityOptions {
  /** one JSON object a line instead of text */
  json?: boolean;
  /** only sections whose name contains this */
  only?: string | undefined;
  /** takes the lines; the standard output by default */
  write?: (line: string) => void;
  sections?: readonly ParitySection[];
  /** told before each section: its name, how many came before it, how many there are */
  onSection?: (name: string, done: number, total: number) => void;
}

/** Files of the section that the folder lacks; of a second text encoder where the folder's model has one. */
async function missing(dir: string, { files }: ParitySection): Promise<string[]> {
  const two = await hasSecondEncoder(dir), needed = files.filter((file) => two || !/^tiny-sdxl\/(text_encoder|tokenizer)_2\//.test(file));
  const there = await Promise.all(needed.map((file) => access(join(dir, file)).then(() => true, () => false)));
  return needed.filter((_, i) => !there[i]);
}

/** One section into the report. An error thrown by it is a failure of that section; the others still run. */
async function check(dir: string, section: ParitySection, report: ParityReport): Promise<void> {
  const lacking = await missing(dir, section);
  if (lacking.length) { report.absent(section.name, lacking); return; }
  let found = 0;
  try {
    for await (const r of section.run(dir)) { if ('absent' in r) report.absent(r.section, r.absent, r.part); else report.result(r); found++; }
    if (found === 0) report.failed(section.name, { code: 'parity.empty', message: 'The files are there, but hold nothing to compare.', hint: 'Write the fixtures again.' });
  } catch (error) {
    report.failed(section.name, toAppError(error));
  }
  report.endSection(section.name);
}

/** Runs every section; true when all that is there passes and something is there. Throws AppError `parity.no_folder`, `parity.no_section`. */
export async function runParity(dir: string, { json = false, only, write = (line) => { process.stdout.write(`${line}\n`); }, sections = paritySections, onSection }: ParityOptions = {}): Promise<boolean> {
  if (!(await stat(dir).then((s) => s.isDirectory(), () => false))) throw new AppError('parity.no_folder', `There is no folder ${dir}.`, 'Give a folder of fixtures as make_goldens.py writes it.');
  const chosen = sections.filter((s) => only === undefined || s.name.includes(only));
  if (!chosen.length) throw new AppError('parity.no_section', `No part of the check is called "${only}".`, `The parts are: ${sections.map((s) => s.name).join('; ')}.`);
  loadNodeBackend();
  const report = parityReport(write, json);
  for (const [i, section] of chosen.entries()) {
    onSection?.(section.name, i, chosen.length);
    await check(dir, section, report);
  }
  return report.finish();
}
