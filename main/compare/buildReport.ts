/** From evaluated runs to a report: analysis, curves, spectra, pictures. */
import { basename, join } from 'node:path';
import type { Evaluation } from '../contract/evaluation.ts';
import type { RunConfig } from '../contract/runConfig.ts';
import { analyse } from './analysis/analyse.ts';
import { pictureKey } from './analysis/measures.ts';
import type { ArmKind } from './arms.ts';
import { spectrumChart, validationCharts, type ChartArm } from './charts.ts';
import { configDifferences } from './configDiff.ts';
import { readCurves } from './curves.ts';
import { dataByContent } from './dataByContent.ts';
import { evaluationDifferences } from './evaluationDiff.ts';
import { detailCrops, pictureUri } from './pictures/embed.ts';
import { pictureFacts, sharpnessMeasure, type PictureFacts } from './pictures/measurePictures.ts';
import type { Report } from './report/html.ts';
import type { PictureRow } from './report/sections.ts';
import { armStyles } from './report/styles.ts';

export interface ComparedRun { name: string; dir: string; evaluation: Evaluation; /** of the evaluation */ folder: string }
export interface ComparedArm { kind: ArmKind; label: string; runs: ComparedRun[] }
export interface BuildOptions { title: string; madeAt?: Date; /** rows of pictures in the report */ rows?: number; onProgress?: (text: string, done: number, total: number) => void }

/** Arms in order, the baseline among them; every arm with at least one run. */
export async function buildReport(arms: readonly ComparedArm[], { title, madeAt = new Date(), rows = 24, onProgress }: BuildOptions): Promise<Report> {
  const styles = armStyles(arms.map((a) => a.kind)), facts = await allFacts(arms, onProgress);
  const extra = [sharpnessMeasure(facts)], charted: ChartArm[] = [];
  for (const [i, arm] of arms.entries()) {
    const curves = await Promise.all(arm.runs.map((r) => readCurves(r.dir)));
    charted.push({ ...arm, style: styles[i]!, curves, facts: arm.runs.map((r) => facts.get(r.evaluation)!), ema: arm.runs[0]!.evaluation.ema });
  }
  const firsts = arms.map((a) => a.runs[0]!), spectrum = spectrumChart(charted);
  return {
    title, madeAt: madeAt.toISOString(),
    arms: arms.map((arm, i) => ({ kind: arm.kind, label: arm.label, style: styles[i]!, runs: arm.runs.map((r, j) => runLine(r, charted[i]!.curves[j]!)) })),
    differences: [...configDifferences(firsts.map((r) => dataByContent(r.evaluation.config)), arms.map((a) => a.kind)), ...evaluationDifferences(arms.map((a) => a.runs.map((r) => r.evaluation)))],
    analysis: analyse(arms.map((a) => ({ kind: a.kind, label: a.label, evaluations: a.runs.map((r) => r.evaluation) })), { extra }),
    charts: [...validationCharts(charted), ...(spectrum ? [spectrum] : [])],
    pictures: await pictureRows(firsts, rows), provenance: provenance(firsts[0]!.evaluation),
  };
}

const runLine = ({ name, evaluation: e }: ComparedRun, { seconds }: { seconds: number }) =>
  ({ name, seed: e.config.training.seed, steps: e.step, seconds, weights_sha256: e.weights_sha256, config: shareable(e.config) });

/** Settings as others may see them: files and folders by their names, without where they lie on this machine. */
function shareable({ model, data, ...rest }: RunConfig): RunConfig {
  const named = (path: string | null): string | null => path && basename(path);
  return { model: { ...model, base: basename(model.base), vae: named(model.vae), lora: named(model.lora) }, data: { ...data, dataset: basename(data.dataset), prior_dataset: named(data.prior_dataset) }, ...rest };
}

async function allFacts(arms: readonly ComparedArm[], onProgress: BuildOptions['onProgress']): Promise<Map<Evaluation, PictureFacts>> {
  const runs = arms.flatMap((a) => a.runs), total = runs.reduce((n, { evaluation: e }) => n + e.pictures.length + e.references.length, 0);
  const facts = new Map<Evaluation, PictureFacts>();
  let done = 0;
  for (const { evaluation, folder } of runs) facts.set(evaluation, await pictureFacts(evaluation, folder, () => onProgress?.('measuring pictures', ++done, total)));
  return facts;
}

/** The same prompt and seed of each arm's first run. */
async function pictureRows(runs: readonly ComparedRun[], limit: number): Promise<PictureRow[]> {
  const rows: PictureRow[] = [];
  for (const { prompt, seed } of runs[0]!.evaluation.pictures.slice(0, limit)) {
    const files = runs.map(({ evaluation, folder }) => {
      const found = evaluation.pictures.find((p) => pictureKey(p) === pictureKey({ prompt, seed }));
      return found ? join(folder, found.file) : null;
    });
    const whole = files.every((f) => f !== null) ? await detailCrops(files as string[]) : null;
    rows.push({ prompt, seed, images: await Promise.all(files.map((f) => (f ? pictureUri(f) : null))), details: whole });
  }
  return rows;
}

const provenance = (e: Evaluation): Record<string, string> => ({
  'LPL Studio': e.app_version, Engine: `${e.engine.backend}, ${e.engine.version}, ${e.engine.device}, ${e.engine.precision}`,
  'Base model': `${e.base_model.name}, UNet SHA-256 ${e.base_model.sha256}`, 'Data set': `SHA-256 ${e.dataset_hash}`,
  'Feature space': `${e.feature_space.title}, ${e.feature_space.dimensions} features, SHA-256 ${e.feature_space.sha256}`,
  Evaluated: `step ${e.step}${e.ema ? ', EMA weights' : ''}; ${e.pictures.length} pictures drawn with ${e.config.samples.sampler}, ${e.config.samples.num_inference_steps} steps, guidance ${e.config.samples.guidance_scale}; ${e.references.length} held-out pictures`,
});
