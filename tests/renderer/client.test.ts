import { describe, expect, it, vi } from 'vitest';
import { Client } from '../../renderer/api/client.ts';
import type { Push, Reply, Subscription } from '../../main/contract/wire.ts';
import type { Transport } from '../../renderer/api/transport.ts';

interface Stream { subscription: Subscription; push: (m: Push) => void; lost: () => void; open: boolean }
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
