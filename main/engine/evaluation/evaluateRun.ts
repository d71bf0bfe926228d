/**
 * Evaluates a run at its newest checkpoint: pictures of fixed prompts and seeds, reconstructions of held-out pictures, and features
 * of both. Deterministic, and the same for every arm of a comparison. Lies in RUN/evaluation/step-N; an evaluation of the same
 * checkpoint with the same options is read, not made again; one that was cancelled keeps the pictures it had drawn.
 */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError } from '../../contract/errors.ts';
import { evaluationFolder, evaluationOptionsSchema, evaluationSchema, type Evaluation, type EvaluationOptions } from '../../contract/evaluation.ts';
import { openRunDataset } from '../data/runDataset.ts';
import { openBaseModel, type BaseModel } from '../run/baseModel.ts';
import { writeFileAtomic } from '../../files/atomicFile.ts';
import { findCheckpoint, type FoundCheckpoint } from '../run/checkpointStore.ts';
import { configHash, readRunConfig, runFolder } from '../run/runFolder.ts';
import { measure } from './measure.ts';
import { planEvaluation } from './plan.ts';
import { hasEma, trainedHash } from './trainedModel.ts';
import { workProgress, type OnProgress } from './work.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

export interface EvaluateOptions { options?: Partial<EvaluationOptions> | undefined; onProgress?: OnProgress | undefined; signal?: AbortSignal | undefined; /** shared with other evaluations; the caller disposes it */ bench?: Workbench | undefined }
export interface Evaluated { folder: string; evaluation: Evaluation; reused: boolean }

/** Throws evaluation.no_checkpoint, checkpoint.*, model.*, data.*, disk.full; the signal's reason when aborted. */
export async function evaluateRun(dir: string, { options: given = {}, onProgress, signal, bench: shared }: EvaluateOptions = {}): Promise<Evaluated> {
  const folder = runFolder(dir), config = readRunConfig(folder.config), options = evaluationOptionsSchema.parse(given);
  const found = await findCheckpoint(folder.checkpoints, 'latest', () => {});
  if (!found) throw new AppError('evaluation.no_checkpoint', `The run in ${dir} has no checkpoint yet.`, 'Train until its first checkpoint, then compare.', { dir });
  const base = await openBaseModel(config), bench = shared ?? openWorkbench();
  try {
    const space = await bench.spaceInfo(base, config);
    const target = join(dir, evaluationFolder.root, evaluationFolder.step(found.manifest.step));
    const kept = readEvaluation(target);
    if (kept && kept.checkpoint_sha256 === found.manifest.sha256 && configHash([kept.options, kept.feature_space, kept.config]) === configHash([options, space, config])) return { folder: target, evaluation: kept, reused: true };
    const manifest = await openRunDataset(dir, config, base.align);
    const partial = join(dir, evaluationFolder.root, `.partial-${configHash([found.manifest.sha256, options, config]).slice(0, 16)}`);
    const measured = await measure({ base, config, found, manifest, plan: planEvaluation(config, manifest, options), folder: partial, work: workProgress(onProgress, signal), bench });
    const evaluation: Evaluation = { ...await header(base, found), options, config, dataset_hash: manifest.dataset.hash, ...measured };
    return { folder: finish(partial, target, evaluation), evaluation, reused: false };
  } finally {
    if (!shared) bench.dispose();
    await base.source.close();
  }
}

/** An evaluation's numbers, or null where there is none that this version reads. */
export function readEvaluation(folder: string): Evaluation | null {
  const file = join(folder, evaluationFolder.file);
  if (!existsSync(file)) return null;
  try { return evaluationSchema.parse(JSON.parse(readFileSync(file, 'utf8'))); } catch { return null; }
}

async function header({ source }: BaseModel, found: FoundCheckpoint) {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
  return {
    version: 1 as const, step: found.manifest.step, ema: hasEma(found), checkpoint_sha256: found.manifest.sha256, weights_sha256: await trainedHash(found),
    base_model: { name: basename(source.path), sha256: await source.hash('unet') }, app_version: version,
  };
}

/** evaluation.json goes in last; then the folder takes the place of an older evaluation of the step. */
function finish(partial: string, target: string, evaluation: Evaluation): string {
  writeFileAtomic(join(partial, evaluationFolder.file), `${JSON.stringify(evaluation)}\n`);
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
  return target;
}
