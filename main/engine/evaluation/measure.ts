/** The work of an evaluation, in three parts that are never in memory together: encoders, trained model, feature space. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetManifest } from '../../contract/datasetManifest.ts';
import type { Evaluation } from '../../contract/evaluation.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import { createExecutor } from '../backend/select.ts';
import { validationView } from '../data/batches.ts';
import { cacheRoot } from '../data/cacheRoot.ts';
import { captionSource, type CaptionSource } from '../data/captionCache.ts';
import { latentSource, type LatentSource } from '../data/latentCache.ts';
import { textHash } from '../data/prepareData.ts';
import { openTensorCache } from '../data/tensorCache.ts';
import type { BaseModel } from '../run/baseModel.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import { openEncoders } from '../run/encoders.ts';
import { drawMissing } from './drawMissing.ts';
import { measureFeatures } from './measureFeatures.ts';
import type { EvaluationPlan } from './plan.ts';
import { defineReconstructions, reconstruct, type Reconstruction } from './reconstruct.ts';
import { loadTrained } from './trainedModel.ts';
import type { Work } from './work.ts';

export interface MeasureParts { base: BaseModel; config: RunConfig; found: FoundCheckpoint; manifest: DatasetManifest; plan: EvaluationPlan; folder: string; work: Work }
type Measured = Pick<Evaluation, 'engine' | 'feature_space' | 'pictures' | 'references' | 'reconstructions'>;
interface Sources { latents: LatentSource; captions: CaptionSource }

/** Rough costs in network evaluations, for the time left. */
const COST = { text: 0.5, latent: 2, reconstruction: 3 };

export async function measure(parts: MeasureParts): Promise<Measured> {
  const { work, plan, config } = parts, missing = plan.pictures.filter((p) => !existsSync(join(parts.folder, p.file)));
  work.plan(missing.length * config.samples.num_inference_steps + plan.reconstructions.length * COST.reconstruction + plan.pictures.length + plan.references.length);
  const sources = await encode(parts);
  const { engine, reconstructions } = await runModel(parts, sources, missing);
  return { engine, reconstructions, ...await measureFeatures(parts) };
}

/** Text embeddings and latents into the run's caches; the encoders' memory is freed. */
async function encode({ base, config, manifest, plan, work }: MeasureParts): Promise<Sources> {
  const encoders = openEncoders(base, config.training, () => {});
  const cache = (name: string) => openTensorCache({ dir: join(cacheRoot(), name), memoryBytes: 128e6 });
  const captions = captionSource(cache('captions'), await textHash(base), encoders.encodeText);
  const latents = latentSource(cache('latents'), await base.source.hash('vae'), manifest.background, encoders.encodeImage);
  try {
    const items = [...new Set(plan.reconstructions.map((r) => r.item))].filter((i) => !latents.isCached(validationView(i)));
    const texts = [...new Set([config.samples.negative_prompt, ...plan.pictures.map((p) => p.prompt), ...plan.reconstructions.map((r) => r.item.captions[0] ?? '')])].filter((t) => !captions.isCached(t));
    work.plan(texts.length * COST.text + items.length * COST.latent);
    for (const text of texts) { await captions.embedding(text); work.did('embedding prompts', COST.text); }
    for (const item of items) { await latents.posterior(validationView(item)); work.did('encoding held-out pictures', COST.latent); }
  } finally { encoders.release(); }
  return { captions, latents };
}

/** Draws and reconstructs with the trained weights. */
async function runModel({ base, config, found, plan, folder, work }: MeasureParts, sources: Sources, missing: EvaluationPlan['pictures']): Promise<Pick<Measured, 'engine' | 'reconstructions'>> {
  const { backend, threads, precision } = config.training;
  const executor = await createExecutor({ backend, threads, precision });
  try {
    const { info } = executor, engine = { backend: info.backend, version: info.version, device: info.device, precision: info.precision };
    const trainables = await loadTrained(executor, base, config, found, (n, total) => work.did(`loading the trained model, ${n} of ${total} weights`, 0));
    const parts = { executor, base, trainables, ...sources };
    defineReconstructions(parts, [...new Set(plan.reconstructions.map((r) => r.item))]);
    await drawMissing({ ...parts, config, folder, work, pictures: missing });
    const reconstructions: Reconstruction[] = [];
    for (const { item, timestep } of plan.reconstructions) {
      reconstructions.push(await reconstruct(parts, item, timestep));
      work.did(`reconstructing held-out pictures, ${reconstructions.length} of ${plan.reconstructions.length}`, COST.reconstruction);
    }
    return { engine, reconstructions };
  } finally { executor.dispose(); }
}
