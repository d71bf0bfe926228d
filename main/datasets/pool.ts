/** Runs work on many things, a few at a time. */
import { availableParallelism } from 'node:os';

/** Pictures under way at once: one per core (each decodes on a thread of libuv's pool, four by default), and one being measured meanwhile. */
export const WORKERS = 1 + Math.min(availableParallelism(), Number(process.env['UV_THREADPOOL_SIZE'] ?? 4));

/** Calls `work` for every thing, at most `workers` at once; the first error, or an abort, stops all and is thrown. */
export async function forEachParallel<T>(things: readonly T[], work: (thing: T) => Promise<void>, options: { workers?: number; signal?: AbortSignal } = {}): Promise<void> {
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < things.length) {
      options.signal?.throwIfAborted();
      await work(things[next++]!);
    }
  };
  try {
    await Promise.all(Array.from({ length: options.workers ?? WORKERS }, run));
  } finally { next = things.length; }
}
