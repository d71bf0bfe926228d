/** The work of an evaluation, in three parts that are never in memory together: encoders, trained model, feature space. */
import { join } from 'node:path';
import type { DatasetManifest } from '../../contract/datasetManifest.ts';
import type { Evaluation } from '../../contract/evaluation.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import { validationView } from '../data/batches.ts';
import { cacheRoot } from '../data/cacheRoot.ts';
import { captionSource, type CaptionSource } from '../data/captionCache.ts';
import { latentSource, type LatentSource } from '../data/latentCache.ts';
import { textHash } from '../data/prepareData.ts';
import { openTensorCache } from '../data/tensorCache.ts';
import type { BaseModel } from '../run/baseModel.ts';
import type { FoundCheckpoint } from '../run/checkpointStore.ts';
import { openEncoders } from '../run/encoders.ts';
import { openProbes } from '../program/probes.ts';
import { drawMissing, undrawn } from './drawMissing.ts';
import { measureFeatures } from './measureFeatures.ts';
import type { EvaluationPlan } from './plan.ts';
import { trainedText } from './trainedModel.ts';
import type { Work } from './work.ts';
import type { Workbench } from './workbench.ts';

export interface MeasureParts { base: BaseModel; config: RunConfig; found: FoundCheckpoint; manifest: DatasetManifest; plan: EvaluationPlan; folder: string; work: Work; bench: Workbench }
type Measured = Pick<Evaluation, 'engine' | 'feature_space' | 'pictures' | 'references' | 'reconstructions'>;
interface Sources { latents: LatentSource; captions: CaptionSource }

/** Rough costs in network evaluations, for the time left. */
const COST = { text: 0.5, latent: 2, reconstruction: 3 };

export async function measure(parts: MeasureParts): Promise<Measured> {
  const { work, plan, config } = parts, groups = undrawn(parts.base, config, plan.pictures, parts.folder);
  work.plan(groups.flat().length * config.samples.num_inference_steps + plan.reconstructions.length * COST.reconstruction + plan.pictures.length + plan.references.length);
  const sources = await encode(parts);
  const { engine, reconstructions } = await runModel(parts, sources, groups);
  return { engine, reconstructions, ...await measureFeatures(parts) };
}

/** Text embeddings and latents into the run's caches; the encoders' memory is freed. */
async function encode({ base, config, found, manifest, plan, work }: MeasureParts): Promise<Sources> {
  const adapted = await trainedText(base, found), encoders = openEncoders(base, config.training, () => {}, adapted);
  const cache = (name: string) => openTensorCache({ dir: join(cacheRoot(), name), memoryBytes: 128e6 });
  const captions = captionSource(cache('captions'), await textHash(base, adapted), encoders.encodeText);
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
async function runModel({ base, config, found, plan, folder, work, bench }: MeasureParts, { latents, captions }: Sources, groups: ReturnType<typeof undrawn>): Promise<Pick<Measured, 'engine' | 'reconstructions'>> {
  const { executor, trainables } = await bench.model(base, config, found, (n, total) => work.did(`loading the trained model, ${n} of ${total} weights`, 0));
  const { backend, version, device, precision } = executor.info;
  const parts = { executor, base, trainables, latents, captions }, probes = openProbes({ ...parts, captions: () => captions });
  await drawMissing({ ...parts, config, folder, work, groups });
  probes.define(plan.reconstructions.map((r) => r.item));
  let told = 0;
  const measured = await probes.run(plan.reconstructions.map(({ item, timestep }) => ({ item, timestep, noise: { step: timestep, sample: 1 }, lpl: true })), {
    onProgress(done) { work.did(`reconstructing held-out pictures, ${done} of ${plan.reconstructions.length}`, (done - told) * COST.reconstruction); told = done; },
  });
  const reconstructions = plan.reconstructions.map(({ item, timestep }, i) => ({ item: item.contentHash, timestep, feature_distance: measured[i]!.lpl!, mse: measured[i]!.mse }));
  return { engine: { backend, version, device, precision }, reconstructions };
}
