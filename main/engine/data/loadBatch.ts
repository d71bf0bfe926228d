/** One micro-batch's numbers on the host: scaled latents, text embeddings, sizes, weights. */
import type { HostTensor } from '../backend/executor.ts';
import type { PlannedMicroBatch } from './batches.ts';
import type { CaptionSource } from './captionCache.ts';
import { drawLatent, type LatentScale, type LatentSource } from './latentCache.ts';

export interface HostBatch {
  /** scaled [B,h,w,4] */
  latents: HostTensor;
  captions: string[];
  /** text states [B,77,D]; null where the text encoders are trained */
  promptEmbeds: HostTensor | null;
  /** SDXL: pooled text [B,P] */
  pooled: HostTensor | null;
  /** SDXL: [B,6] */
  timeIds: HostTensor;
  /** factor of each sample's loss [B] */
  weights: HostTensor;
  /** names of the pictures, for messages */
  names: string[];
}
export interface BatchSources { latents: LatentSource; /** null: the step embeds captions itself */ captions: CaptionSource | null; scale: LatentScale; /** 'mean', or the seed of posterior draws */ draw: 'mean' | number }

/** Throws image.* when a picture that is not cached cannot be read. */
export async function loadBatch(micro: PlannedMicroBatch, step: number, { latents, captions, scale, draw }: BatchSources): Promise<HostBatch> {
  const posteriors = await inOrder(micro.samples, (s) => latents.posterior(s));
  const texts = captions ? await inOrder(micro.samples, (s) => captions.embedding(s.caption)) : null;
  const drawn = posteriors.map((p, i) => drawLatent(p, scale, draw === 'mean' ? 'mean' : { seed: draw, step, sample: micro.samples[i]!.sample }));
  const n = micro.samples.length;
  return {
    latents: stacked(drawn, posteriors[0]!['mean']!.shape.slice(1)),
    captions: micro.samples.map((s) => s.caption),
    promptEmbeds: texts && stacked(texts.map((t) => t['prompt_embeds']!.data), texts[0]!['prompt_embeds']!.shape.slice(1)),
    pooled: texts?.[0]!['pooled'] ? stacked(texts.map((t) => t['pooled']!.data), texts[0]!['pooled'].shape.slice(1)) : null,
    timeIds: stacked(micro.samples.map((s) => Float32Array.from(s.timeIds)), [6]),
    weights: { shape: [n], data: Float32Array.from(micro.samples, (s) => s.weight) },
    names: micro.samples.map((s) => s.item.name),
  };
}

async function inOrder<A, B>(list: readonly A[], f: (a: A) => Promise<B>): Promise<B[]> {
  const out: B[] = [];
  for (const a of list) out.push(await f(a));
  return out;
}

/** Arrays of equal length as one tensor [n, ...shape]. */
export function stacked(parts: readonly Float32Array[], shape: readonly number[]): HostTensor {
  const size = parts[0]!.length, data = new Float32Array(parts.length * size);
  parts.forEach((p, i) => data.set(p, i * size));
  return { shape: [parts.length, ...shape], data };
}
