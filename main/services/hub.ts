/** The event hub: numbers events, keeps the last ones, and hands them to whoever subscribed. */
import { randomBytes } from 'node:crypto';
import type { Emit } from '../contract/emit.ts';
import { topicOf, type CoreEvent } from '../contract/events.ts';
import type { Push, Subscription } from '../contract/wire.ts';

export interface Hub {
  readonly epoch: string;
  /** number of the last event */
  readonly last: number;
  emit: Emit;
  subscribe(subscription: Subscription, push: (message: Push) => void): () => void;
  /** For the core itself: every event, as it happens. */
  listen(heard: (event: CoreEvent) => void): void;
}

/** A subscriber that asks for events still in memory gets them; otherwise `hello` says reset. */
export function createHub(keep = 5_000): Hub {
  const epoch = randomBytes(6).toString('hex');
  const subscribers = new Set<{ topics: Set<string>; push: (m: Push) => void }>();
  const listeners: ((event: CoreEvent) => void)[] = [];
  let kept: CoreEvent[] = [];
  let n = 0;
  return {
    epoch,
    get last() { return n; },
    emit(type, data) {
      const event = { n: ++n, topic: topicOf(type, data), type, data } as CoreEvent;
      kept.push(event);
      if (kept.length > 2 * keep) kept = kept.slice(-keep);
      for (const s of subscribers) if (s.topics.has(event.topic)) s.push({ event });
      for (const heard of listeners) heard(event);
    },
    subscribe({ topics, epoch: theirs, after }, push) {
      const wanted = new Set(topics);
      const from = theirs === epoch && after !== undefined ? after : undefined;
      const gap = from !== undefined && from < n && (kept[0]?.n ?? n + 1) > from + 1;
      const reset = gap || from === undefined || from > n;
      push({ hello: { epoch, n, reset } });
      if (!reset) for (const event of kept) if (event.n > from && wanted.has(event.topic)) push({ event });
      const subscriber = { topics: wanted, push };
      subscribers.add(subscriber);
      return () => { subscribers.delete(subscriber); };
    },
    listen: (heard) => { listeners.push(heard); },
  };
}
