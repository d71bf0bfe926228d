/** What `lpl evaluate` and `lpl compare` do. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { buildReport, type ComparedArm } from '../compare/buildReport.ts';
import { dataByContent } from '../compare/dataByContent.ts';
import { groupRuns, type GivenRun, type GroupedArm } from '../compare/groupRuns.ts';
import { reportHtml, type Report } from '../compare/report/html.ts';
import { AppError } from '../contract/errors.ts';
import { evaluateRun } from '../engine/evaluation/evaluateRun.ts';
import { openWorkbench } from '../engine/evaluation/workbench.ts';
import { writeFileAtomic } from '../files/atomicFile.ts';
import { exitCodes } from '../engine/run/exitCodes.ts';
import { readRunConfig, runFolder } from '../engine/run/runFolder.ts';
import type { Output } from './output.ts';
import type { Action } from './command.ts';
import { onSignals } from './signals.ts';

/** Ctrl-C cancels; pictures drawn so far are kept. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  onSignals(() => controller.abort(new AppError('evaluation.cancelled', 'Cancelled.', 'Pictures drawn so far are kept; the same command goes on with them.')), () => process.exit(exitCodes.stopped));
  return controller.signal;
}

const limitsOf = (options: Record<string, unknown>): Record<string, number> =>
  Object.fromEntries(['prompts', 'seeds', 'references', 'reconstructions'].flatMap((k) => (options[k] === undefined ? [] : [[k, options[k] as number]])));

const onnxOf = (options: Record<string, unknown>): string | undefined => (options['features'] ? resolve(String(options['features'])) : undefined);

export const evaluate: Action = async (output, [dir], options) => {
  const bench = openWorkbench({ onnx: onnxOf(options) });
  try {
    const { folder, evaluation: e, reused } = await evaluateRun(resolve(dir!), { options: limitsOf(options), signal: abortOnSignals(), onProgress: (p) => say(output, p), bench });
    output.data({ type: 'evaluation', folder, step: e.step, reused });
    output.result(`${folder}${reused ? ' (was there already)' : ''}: ${e.pictures.length} pictures, ${e.reconstructions.length} reconstructions, ${e.references.length} held-out pictures.`);
  } finally { bench.dispose(); }
};

function say(output: Output, p: { text: string; done: number; total: number; eta_s: number | null }): void {
  output.data({ type: 'progress', ...p });
  output.progress(p.text, p.done, p.total, p.eta_s);
}

export const compare: Action = async (output, dirs, options) => {
  const arms = options['arms'] ? readArms(String(options['arms'])) : groupRuns(dirs.map(openRun));
  await reportArms(output, arms, { file: resolve(String(options['report'])), title: options['title'] as string | undefined, limits: limitsOf(options), onnx: onnxOf(options) });
};

export interface ReportOptions { file: string; title: string | undefined; limits: Record<string, number>; /** an ONNX image model to compare pictures with */ onnx?: string | undefined }

/** Evaluates what is not evaluated yet, analyses it, and writes FILE.html and FILE.json. */
export async function reportArms(output: Output, arms: readonly GroupedArm[], { file, title, limits, onnx }: ReportOptions): Promise<void> {
  for (const arm of arms) output.text(`${arm.label}: ${arm.runs.map((r) => `${r.name} (seed ${r.config.training.seed})`).join(', ')}`);
  const compared = await evaluateAll(output, arms, limits, onnx);
  const report = await buildReport(compared, { title: title ?? `${arms.map((a) => a.label).join(' and ')} compared`, onProgress: (text, done, total) => say(output, { text, done, total, eta_s: null }) });
  mkdirSync(dirname(file), { recursive: true });
  writeFileAtomic(file, reportHtml(report));
  writeFileAtomic(`${file.replace(/\.html?$/i, '')}.json`, `${JSON.stringify(withoutPictures(report), null, 1)}\n`);
  output.data({ type: 'report', file, ...withoutPictures(report) });
  tell(output, report, file);
}

const openRun = (dir: string): GivenRun => ({ name: basename(resolve(dir)), dir: resolve(dir), config: dataByContent(readRunConfig(runFolder(resolve(dir)).config)) });

const armsSchema = z.array(z.strictObject({ kind: z.enum(['baseline', 'lpl', 'aa', 'other']), label: z.string(), runs: z.array(z.strictObject({ name: z.string(), dir: z.string() })).min(1) })).min(2);

function readArms(file: string): GroupedArm[] {
  if (!existsSync(file)) throw new AppError('compare.no_arms_file', `${file} does not exist.`, 'Give a JSON file, or leave --arms out.', { file });
  const parsed = armsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new AppError('compare.bad_arms_file', `${file}: ${z.prettifyError(parsed.error)}`, 'See "lpl compare --help".', { file });
  return parsed.data.map((arm) => ({ ...arm, runs: arm.runs.map((r) => ({ ...openRun(r.dir), name: r.name })) }));
}

/** Evaluates run after run; the bar spans all of them. */
async function evaluateAll(output: Output, arms: readonly GroupedArm[], options: Record<string, number>, onnx: string | undefined): Promise<ComparedArm[]> {
  const total = arms.reduce((n, a) => n + a.runs.length, 0), signal = abortOnSignals(), began = Date.now(), bench = openWorkbench({ onnx });
  let done = 0;
  const evaluated = async ({ name, dir }: GroupedArm['runs'][number]): Promise<ComparedArm['runs'][number]> => {
    const onProgress = (p: { text: string; done: number; total: number }): void => {
      const part = done + (p.total ? p.done / p.total : 0);
      say(output, { text: `evaluating ${name}: ${p.text}`, done: Math.round(part * 1000), total: total * 1000, eta_s: part > 0.02 ? ((Date.now() - began) / 1000 / part) * (total - part) : null });
    };
    const { evaluation, folder } = await evaluateRun(dir, { options, signal, onProgress, bench });
    done++;
    return { name, dir, evaluation, folder };
  };
  try {
    const compared: ComparedArm[] = [];
    for (const arm of arms) {
      const runs: ComparedArm['runs'] = [];
      for (const run of arm.runs) runs.push(await evaluated(run));
      compared.push({ kind: arm.kind, label: arm.label, runs });
    }
    return compared;
  } finally { bench.dispose(); }
}

export const withoutPictures = (report: Report): Omit<Report, 'pictures'> & { pictures: { prompt: string; seed: number }[] } => ({ ...report, pictures: report.pictures.map(({ prompt, seed }) => ({ prompt, seed })) });

/** Identical arms and the verdicts, then where the report lies. */
function tell(output: Output, { analysis, differences }: Report, file: string): void {
  const unintended = differences.filter((d) => !d.intended);
  if (unintended.length) output.text(`warning: the runs also differ in ${unintended.map((d) => d.title).join(', ')}; what the numbers show may come from that.`);
  for (const label of analysis.identical) output.result(`${label} is identical to the baseline: the trained weights are the same, bit for bit.`);
  for (const { verdict } of analysis.verdicts.filter((v) => !analysis.identical.includes(v.label))) output.result(verdict.sentence);
  output.result(`Report: ${file}`);
}
