/**
 * A core in memory for component tests and screenshots: answers a few methods from made-up data. Never shipped.
 * What it does not know it refuses with "fake.unknown", so that a test cannot pass by accident.
 */
import { AppError, toAppError } from '../../../main/contract/errors.ts';
import type { CoreEvent, EventData, EventType } from '../../../main/contract/events.ts';
import { topicOf } from '../../../main/contract/events.ts';
import type { MethodName, Params, Result } from '../../../main/contract/methods.ts';
import type { Push } from '../../../main/contract/wire.ts';
import type { Transport } from '../../../renderer/api/transport.ts';

export type Answers = { [M in MethodName]?: (params: Params<M>) => Result<M> | Promise<Result<M>> };
export interface FakeCore extends Transport {
  calls: { method: string; params: unknown }[];
  answers: Answers;
  /** breaks all streams, and every new one until it is called with false; `refused`: as a core with another token does */
  breakStreams(broken: boolean, refused?: boolean): void;
  emit<T extends EventType>(type: T, data: EventData<T>): void;
}

export function fakeCore(answers: Answers): FakeCore {
  const streams = new Set<{ topics: string[]; push: (message: Push) => void; lost: (refused?: boolean) => void }>();
  let broken = false, refuses = false;
  const core: FakeCore = {
    calls: [], answers,
    async invoke(method, params) {
      core.calls.push({ method, params });
      try {
        const answer = core.answers[method as MethodName] as ((p: unknown) => unknown) | undefined;
        if (!answer) throw new AppError('fake.unknown', `The fake core does not know ${method}.`, 'Teach it.');
        return { epoch: 'fake', n, result: await answer(params) };
      } catch (error) {
        return { epoch: 'fake', n, error: toAppError(error) };
      }
    },
    breakStreams(now, refused = false) {
      [broken, refuses] = [now, refused];
      if (now) for (const s of [...streams]) { streams.delete(s); s.lost(refused); }
    },
    subscribe(subscription, push, lost) {
      if (broken) { setTimeout(() => lost(refuses), 0); return () => {}; }
      const stream = { topics: subscription.topics, push, lost };
      streams.add(stream);
      push({ hello: { epoch: 'fake', n, reset: false } });
      return () => streams.delete(stream);
    },
    pathOf: () => null, upload: () => Promise.resolve(),
    emit(type, data) {
      n += 1;
      const topic = topicOf(type, data);
      for (const s of streams) if (s.topics.includes(topic)) s.push({ event: { n, topic, type, data } as CoreEvent });
    },
  };
  let n = 0;
  return core;
}
