/** The job that evaluates a comparison: `lpl compare` in a child, which writes report.html and report.json into its folder. */
import { evaluationProgressSchema } from '../../contract/evaluation.ts';
import { AppError } from '../../contract/errors.ts';
import type { Job } from '../../contract/system.ts';
import { writeJson } from '../../files/atomicFile.ts';
import type { ComparisonFolders } from './folder.ts';
import type { JobsPort, RunCli, RunsPort } from './ports.ts';
import type { ArmRow, CompareStore } from './store.ts';

export interface EvaluateParts { store: CompareStore; runs: RunsPort; jobs: JobsPort; runCli: RunCli; folders: ComparisonFolders; /** path of an ONNX model, or empty */ featureModel: () => string }
type Limits = Record<string, number | undefined>;

export function createEvaluator({ store, runs, jobs, runCli, folders, featureModel }: EvaluateParts) {
  const active = new Map<string, string>();

  /** Arms with the runs that have trained to their end; an arm without any is left out. */
  const readyArms = (arms: readonly ArmRow[]) => arms.map((arm) => ({ kind: arm.kind, label: arm.label, runs: arm.run_ids.flatMap((id) => runs.find(id) ?? []).filter((r) => r.state === 'finished').map((r) => ({ name: r.name, dir: r.folder })) })).filter((a) => a.runs.length > 0);

  function start(id: string, limits: Limits): Job | string {
    const running = active.get(id);
    if (running) return running;
    const row = store.get(id), arms = readyArms(store.arms(id));
    if (arms.length < 2 || !arms.some((a) => a.kind === 'baseline')) throw new AppError('compare.not_trained', 'A comparison can be evaluated once the baseline and one more arm have finished training.', 'Wait for the runs, or start them.', { id });
    const armsFile = folders.file(id, 'arms.json'), report = folders.file(id, 'report.html');
    const job = jobs.start('evaluation', `Evaluation of "${row.name}"`, async ({ signal, progress }) => {
      try {
        writeJson(armsFile, arms);
        const flags = Object.entries(limits).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
        const features = featureModel() ? ['--features', featureModel()] : [];
        await runCli(['compare', '--json', '--arms', armsFile, '--report', report, '--title', row.name, ...features, ...flags], signal, (line) => {
          const p = evaluationProgressSchema.safeParse(line);
          if (p.success) progress(p.data.text, p.data.done, p.data.total);
        });
        return { comparison_id: id };
      } finally {
        active.delete(id);
        store.changed(id);
      }
    });
    active.set(id, job.id);
    store.changed(id);
    return job;
  }
  return { start, activeJob: (id: string): string | null => active.get(id) ?? null };
}
