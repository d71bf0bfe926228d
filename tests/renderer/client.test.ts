import { describe, expect, it, vi } from 'vitest';
import { Client } from '../../renderer/api/client.ts';
import { httpTransport } from '../../renderer/api/httpTransport.ts';
import type { Push, Reply, Subscription } from '../../main/contract/wire.ts';
import type { Transport } from '../../renderer/api/transport.ts';

interface Stream { subscription: Subscription; push: (m: Push) => void; lost: (refused?: boolean) => void; open: boolean }
function fakeTransport(reply: () => Reply | Promise<Reply>): { transport: Transport; streams: Stream[] } {
  const streams: Stream[] = [];
  return {
    streams,
    transport: {
      invoke: async () => reply(), pathOf: () => null, upload: () => Promise.resolve(),
      subscribe(subscription, push, lost) {
        const stream = { subscription, push, lost, open: true };
        streams.push(stream);
        return () => { stream.open = false; };
      },
    },
  };
}
const tick = (): Promise<void> => new Promise((resolve) => { queueMicrotask(() => queueMicrotask(resolve)); });
const event = (n: number, topic = 'models'): Push => ({ event: { n, topic, type: 'models.changed', data: {} } });

describe('the client of the window', () => {
  it('hands on errors of the core with code, message and hint', async () => {
    const { transport } = fakeTransport(() => ({ epoch: 'a', n: 0, error: { code: 'runs.not_found', message: 'There is no such run.', hint: 'It may have been deleted.' } }));
    await expect(new Client(transport).call('runs.get', { id: 'x' })).rejects.toMatchObject({ code: 'runs.not_found', message: 'There is no such run.', hint: 'It may have been deleted.' });
  });
  it('says that the core does not answer when nobody does', async () => {
    const { transport } = fakeTransport(() => Promise.reject(new Error('socket')));
    await expect(new Client(transport).call('runs.list', {})).rejects.toMatchObject({ code: 'window.core_unreachable' });
  });
  it('opens one stream for all topics that are listened to in the same moment', async () => {
    const { transport, streams } = fakeTransport(() => ({ epoch: 'a', n: 0, result: null }));
    const client = new Client(transport);
    client.on('models.changed', () => {});
    client.on('run.events', () => {}, 'r1');
    await tick();
    expect(streams.map((s) => s.subscription.topics)).toEqual([['models', 'run/r1']]);
  });
  it('asks for what came after the last event when topics change, so that none is lost', async () => {
    const { transport, streams } = fakeTransport(() => ({ epoch: 'a', n: 0, result: null }));
    const client = new Client(transport);
    const seen: number[] = [];
    client.on('models.changed', (_d, n) => seen.push(n));
    await tick();
    streams[0]!.push({ hello: { epoch: 'a', n: 4, reset: false } });
    streams[0]!.push(event(5));
    client.on('queue.changed', () => {});
    await tick();
    expect(streams[0]!.open).toBe(false);
    expect(streams[1]!.subscription).toMatchObject({ epoch: 'a', after: 5 });
    expect(seen).toEqual([5]);
  });
  it('says that the core is gone when it has not come back for a while, and that another one answers; it goes on trying', async () => {
    vi.useFakeTimers();
    try {
      const { transport, streams } = fakeTransport(() => ({ epoch: 'a', n: 0, result: null }));
      const client = new Client(transport), states: string[] = [];
      client.onState((s) => states.push(s));
      client.on('models.changed', () => {});
      await vi.advanceTimersByTimeAsync(0);
      streams[0]!.push({ hello: { epoch: 'a', n: 7, reset: false } });
      for (let i = 0; i < 6; i++) { streams.at(-1)!.lost(); await vi.advanceTimersByTimeAsync(5_000); }
      expect(states).toEqual(['open', ...Array<string>(5).fill('lost'), 'gone']);
      streams.at(-1)!.lost(true);
      await vi.advanceTimersByTimeAsync(5_000);
      streams.at(-1)!.push({ hello: { epoch: 'b', n: 0, reset: true } });
      expect(states.slice(7)).toEqual(['refused', 'open']);
      streams.at(-1)!.lost();
      expect(states.at(-1)).toBe('lost');
    } finally { vi.useRealTimers(); }
  });
  it('comes back after a break where it was, and has everything asked for again on a reset', async () => {
    vi.useFakeTimers();
    try {
      const { transport, streams } = fakeTransport(() => ({ epoch: 'a', n: 0, result: null }));
      const client = new Client(transport);
      const states: string[] = [];
      let resets = 0;
      client.onState((s) => states.push(s));
      client.onReset(() => { resets += 1; });
      client.on('models.changed', () => {});
      await vi.advanceTimersByTimeAsync(0);
      streams[0]!.push({ hello: { epoch: 'a', n: 7, reset: false } });
      streams[0]!.lost();
      await vi.advanceTimersByTimeAsync(10_000);
      expect(streams[1]!.subscription.after).toBe(7);
      streams[1]!.push({ hello: { epoch: 'b', n: 0, reset: true } });
      expect(states).toEqual(['open', 'lost', 'open']);
      expect(resets).toBe(1);
    } finally { vi.useRealTimers(); }
  });
});

describe('the transport of a browser', () => {
  it('tells a core with another token from one that is not there, and says nothing of a stream that it closed itself', async () => {
    const sources: { onerror: () => void }[] = [], lost: (boolean | undefined)[] = [];
    class Source { onerror = (): void => {}; constructor() { sources.push(this); } close(): void {} }
    vi.stubGlobal('EventSource', Source);
    try {
      for (const answer of [() => Promise.resolve({ status: 403 }), () => Promise.resolve({ status: 200 }), () => Promise.reject(new Error('refused'))]) {
        vi.stubGlobal('fetch', answer);
        const close = httpTransport().subscribe({ topics: ['runs'] }, () => {}, (refused) => lost.push(refused));
        sources.at(-1)!.onerror();
        await vi.waitFor(() => expect(lost).toHaveLength(sources.length));
        close();
      }
      httpTransport().subscribe({ topics: ['runs'] }, () => {}, (refused) => lost.push(refused))();
      sources.at(-1)!.onerror();
      await tick();
      expect(lost).toEqual([true, false, false]);
    } finally { vi.unstubAllGlobals(); }
  });
});
