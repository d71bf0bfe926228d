/**
 * The order in which pictures are trained, as a closed formula of the batch number.
 *
 * Each bucket is an endless stream: one random order of its pictures after another. An epoch holds, of each bucket, the batches that
 * its stream has filled by then; their order within the epoch is random too. So every picture is seen equally often,
 * no batch is smaller than the others, and batch k needs no history: a resumed run goes on exactly where it was.
 */
import { permutation } from '../random.ts';

export interface PlannedBatch { epoch: number; bucket: string; /** indices into the entries */ entries: number[] }
export interface BatchOrder {
  batch(k: number): PlannedBatch;
  /** Batches in the first `epochs` epochs. */
  batchesIn(epochs: number): number;
}

/** Sample number of the draws that shuffle an epoch's batches; buckets use 0, 1, 2 … */
const BATCH_SHUFFLE = 0xffffffff;

/** `buckets[i]` is the bucket of entry i (entries count repeats). */
export function batchOrder(buckets: readonly string[], batchSize: number, seed: number): BatchOrder {
  const names = [...new Set(buckets)].sort();
  const members = names.map((name) => buckets.flatMap((b, i) => (b === name ? [i] : [])));
  const full = (bucket: number, epochs: number): number => Math.floor((epochs * members[bucket]!.length) / batchSize);
  const batchesIn = (epochs: number): number => names.reduce((sum, _, b) => sum + full(b, epochs), 0);
  const shuffled = remembering((epoch, sample, n) => permutation({ seed, stream: 'order', step: epoch, sample }, n));

  const entryAt = (bucket: number, position: number): number => {
    const list = members[bucket]!, pass = Math.floor(position / list.length);
    return list[shuffled(pass, bucket, list.length)[position % list.length]!]!;
  };
  const epochOf = (k: number): number => {
    let epoch = Math.floor((k * batchSize) / buckets.length);
    while (batchesIn(epoch + 1) <= k) epoch++;
    return epoch;
  };
  return {
    batchesIn,
    batch(k) {
      const epoch = epochOf(k), first = batchesIn(epoch);
      const inEpoch = names.flatMap((_, b) => Array.from({ length: full(b, epoch + 1) - full(b, epoch) }, (_x, j) => [b, full(b, epoch) + j] as const));
      const [bucket, number] = inEpoch[shuffled(epoch, BATCH_SHUFFLE, inEpoch.length)[k - first]!]!;
      return { epoch, bucket: names[bucket]!, entries: Array.from({ length: batchSize }, (_x, i) => entryAt(bucket, number * batchSize + i)) };
    },
  };
}

type Shuffle = (epoch: number, sample: number, n: number) => Int32Array;
/** Keeps the orders of the last few epochs: neighbouring batches ask for the same ones. */
function remembering(make: Shuffle): Shuffle {
  const kept = new Map<string, Int32Array>();
  return (epoch, sample, n) => {
    const key = `${epoch}/${sample}`;
    let order = kept.get(key);
    if (!order) {
      order = make(epoch, sample, n);
      if (kept.size >= 256) kept.delete(kept.keys().next().value!);
      kept.set(key, order);
    }
    return order;
  };
}
