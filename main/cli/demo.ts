/**
 * `lpl demo`: baseline, LPL and A/A in turn on what comes with the app, then the report; one bar for all of it. The same command with the same
 * folder goes on where it stood.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { planArms, type ArmRequest } from '../compare/arms.ts';
import { demoConfig, demoModel, demoPictures } from '../compare/demo.ts';
import type { GroupedArm } from '../compare/groupRuns.ts';
import { AppError } from '../contract/errors.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import { CommandQueue } from '../engine/run/commandQueue.ts';
import { readJournal } from '../engine/run/journal.ts';
import { exitCodes } from '../engine/run/exitCodes.ts';
import { configHash, createRunFolder, readRunConfig, runFolder } from '../engine/run/runFolder.ts';
import { runTraining } from '../engine/run/runTraining.ts';
import { resourcesDir } from '../runtime/paths.ts';
import { reportArms } from './compare.ts';
import { stagePart } from './eventText.ts';
import type { Output } from './output.ts';
import { onSignals } from './signals.ts';
import type { Action } from './command.ts';

export const demo: Action = async (output, _args, options) => {
  const steps = Number(options['steps']), seeds = Number(options['seeds']), root = resolve(String(options['output_dir'])), file = resolve(String(options['report'] ?? join(root, 'report.html')));
  for (const [name, value] of [['steps', steps], ['seeds', seeds]] as const) if (!Number.isInteger(value) || value < 1) throw new AppError('cli.bad_flag', `--${name} needs a whole number from 1.`, 'See "lpl demo --help".');
  const weight = Number(options['lpl_weight']);
  if (!(weight > 0 && weight <= 100)) throw new AppError('cli.bad_flag', '--lpl_weight needs a number above 0, at most 100.', 'See "lpl demo --help".');
  const base = demoConfig(join(resourcesDir, 'models', demoModel(resourcesDir)), demoPictures(resourcesDir), steps, weight);
  const requests: ArmRequest[] = [{ kind: 'baseline' }, { kind: 'lpl' }, ...(options['aa'] === false ? [] : [{ kind: 'aa' as const }])];
  const arms = planArms(base, requests, seeds).map((arm): GroupedArm => ({
    kind: arm.kind, label: arm.label,
    runs: arm.runs.map(({ config, seed }) => { const name = `${arm.label === 'A/A' ? 'AA' : arm.label}-${seed}`; return { name, dir: runDir(join(root, name), config), config }; }),
  }));
  const runs = arms.flatMap((a) => a.runs), left = runs.filter((r) => !hasFinished(r.dir)), began = Date.now();
  if (left.length < runs.length) output.text(`${runs.length - left.length} of ${runs.length} runs in ${root} have been trained already.`);
  for (const [i, run] of left.entries()) await trainOne(output, run, { index: i, count: left.length, steps, began });
  await reportArms(output, arms, { file, title: 'Did LPL help? The demo', limits: {} });
};

/** The run's folder, made unless it is there. Throws demo.other_settings when it holds another run. */
function runDir(dir: string, config: RunConfig): string {
  const { config: file } = runFolder(dir);
  if (!existsSync(file)) return createRunFolder(dir, config).dir;
  if (configHash(readRunConfig(file)) === configHash(config)) return dir;
  throw new AppError('demo.other_settings', `${dir} holds a run with other settings than this demo's.`, 'Give the flags of the first time to go on with it, or another --output_dir.', { dir });
}

function hasFinished(dir: string): boolean {
  const last = readJournal(runFolder(dir).journal).events.at(-1);
  return last?.type === 'finished' && last.reason === 'finished';
}

/** Trains one run to its end; Ctrl-C stops it with a checkpoint and ends the demo. */
async function trainOne(output: Output, { name, dir }: { name: string; dir: string }, { index, count, steps, began }: { index: number; count: number; steps: number; began: number }): Promise<void> {
  const commands = new CommandQueue();
  const listenNoLonger = onSignals(() => commands.push({ type: 'stop', save: true }), () => process.exit(exitCodes.stopped));
  const reason = await runTraining(dir, {
    resume: null, commands,
    onEvent(e) {
      output.data({ run: name, ...e });
      if (e.type === 'warning') output.text(`${name}: ${e.message}`);
      if (e.type === 'failed') output.text(`${name}: ${e.error.message} ${e.error.hint}`);
      const done = index * steps + (e.type === 'step' ? e.step : 0), elapsed = (Date.now() - began) / 1000;
      if (e.type === 'step') output.progress(`${name} (${index + 1} of ${count}): training, loss ${(e.metrics['loss'] ?? NaN).toFixed(4)}`, done, count * steps, (elapsed / done) * (count * steps - done));
      if (e.type === 'stage') output.progress(`${name} (${index + 1} of ${count}): ${e.text.replace(/ pictures? \d.* of \d+$/, ' pictures')}`, e.done, e.total, e.eta_s, stagePart(e));
    },
  });
  listenNoLonger();
  if (reason !== 'finished') throw new AppError('demo.ended', `The run ${name} ended early (${reason}).`, `Its folder is kept: the same command with --output_dir ${resolve(dir, '..')} goes on with it.`, { dir });
}
