/** What each sample of each step is: which picture, cut and mirrored how, with which caption. A pure function of (seed, step, sample). */
import type { ManifestItem } from '../../contract/datasetManifest.ts';
import type { RunConfig } from '../../contract/runConfig.ts';
import { integers, uniform } from '../random.ts';
import type { Crop } from '../../contract/buckets.ts';
import { movedCrop, timeIds } from './buckets.ts';
import { batchOrder, type BatchOrder } from './order.ts';
import type { View } from './latentCache.ts';

export interface PlannedSample extends View {
  /** empty where the caption is dropped or missing */
  caption: string;
  /** SDXL's six size and crop numbers */
  timeIds: number[];
  /** multiplies the sample's loss */
  weight: number;
  /** running number within the optimizer step: with seed and step it names the sample's noise */
  sample: number;
}
export interface PlannedMicroBatch { bucket: [width: number, height: number]; epoch: number; samples: PlannedSample[] }
export interface BatchPlan {
  /** The micro-batches of one optimizer step (as many as gradients are accumulated over). */
  step(step: number): PlannedMicroBatch[];
  /** The buckets of a step's micro-batches, without planning their samples. */
  buckets(step: number): [width: number, height: number][];
  /** Optimizer steps in so many epochs, at least 1. */
  stepsIn(epochs: number): number;
  /** Pictures an epoch shows, repeats counted. */
  readonly epochSize: number;
}
export type PlanOptions = Pick<RunConfig['data'], 'crop' | 'random_flip' | 'proportion_empty_prompts' | 'prior_loss_weight'> & Pick<RunConfig['training'], 'train_batch_size' | 'gradient_accumulation_steps' | 'seed'>;

/** `items`: the training pictures, prior-preservation ones among them. */
export function batchPlan(items: readonly ManifestItem[], o: PlanOptions): BatchPlan {
  const entries = withRepeats(items);
  const order: BatchOrder = batchOrder(entries.map((item) => item.bucket.join('x')), o.train_batch_size, o.seed);
  const accumulate = o.gradient_accumulation_steps;
  return {
    epochSize: entries.length,
    stepsIn: (epochs) => Math.max(1, Math.ceil(order.batchesIn(epochs) / accumulate)),
    buckets: (step) => Array.from({ length: accumulate }, (_, micro) => entries[order.batch(step * accumulate + micro).entries[0]!]!.bucket),
    step: (step) => Array.from({ length: accumulate }, (_, micro) => {
      const planned = order.batch(step * accumulate + micro);
      const samples = planned.entries.map((entry, i) => planSample(entries[entry]!, o, step, micro * o.train_batch_size + i));
      return { bucket: samples[0]!.item.bucket, epoch: planned.epoch, samples };
    }),
  };
}

/** Repeats written out; prior pictures at least as often in all as the others (kohya's rule for regularisation sets). */
function withRepeats(items: readonly ManifestItem[]): ManifestItem[] {
  const expand = (list: readonly ManifestItem[]): ManifestItem[] => list.flatMap((item) => Array.from({ length: item.repeats }, () => item));
  const own = expand(items.filter((i) => !i.prior)), prior = expand(items.filter((i) => i.prior));
  const times = prior.length ? Math.max(1, Math.ceil(own.length / prior.length)) : 0;
  return [...own, ...Array.from({ length: times }, () => prior).flat()];
}

function planSample(item: ManifestItem, o: PlanOptions, step: number, sample: number): PlannedSample {
  const key = { seed: o.seed, step, sample };
  const flip = o.random_flip && item.flip && uniform({ ...key, stream: 'flip' }, 1)[0]! < 0.5;
  const [u, v] = uniform({ ...key, stream: 'crop' }, 2) as unknown as [number, number];
  const crop = o.crop === 'random' && !item.cropFixed ? movedCrop(item, u, v) : item.crop;
  const dropped = uniform({ ...key, stream: 'empty_prompt' }, 1)[0]! < o.proportion_empty_prompts;
  const choice = item.captions.length > 1 ? integers({ ...key, stream: 'caption_choice' }, 1, 0, item.captions.length)[0]! : 0;
  return {
    item, flip, crop, sample, caption: dropped ? '' : (item.captions[choice] ?? ''),
    timeIds: timeIds(item, crop, flip), weight: item.weight * (item.prior ? o.prior_loss_weight : 1),
  };
}

/** Every view that a run with these options can ask for and that can be cached: none for randomly cropped pictures. */
export function cacheableViews(items: readonly ManifestItem[], o: Pick<PlanOptions, 'crop' | 'random_flip'>): View[] {
  return items.filter((item) => o.crop === 'center' || item.cropFixed || isWhole(item)).flatMap((item) => {
    const crop: Crop = item.crop;
    return o.random_flip && item.flip ? [{ item, crop, flip: false }, { item, crop, flip: true }] : [{ item, crop, flip: false }];
  });
}

/** Whether the crop is as large as the picture, so that there is only one place for it. */
const isWhole = (item: ManifestItem): boolean => {
  const [, , width, height] = item.crop;
  return width === item.width && height === item.height;
};

/** The item as validation sees it: as planned, never mirrored. */
export const validationView = (item: ManifestItem): View => ({ item, flip: false, crop: item.crop });
