/** Transport over the loopback server: POST for methods, server-sent events for pushes; the token is in a cookie. */
import { AppError } from '../../main/contract/errors.ts';
import type { Push, Reply, Subscription } from '../../main/contract/wire.ts';
import type { Transport } from './transport.ts';

function eventsUrl({ topics, epoch, after }: Subscription): string {
  const query = new URLSearchParams({ topics: topics.join(',') });
  if (epoch !== undefined && after !== undefined) { query.set('epoch', epoch); query.set('after', String(after)); }
  return `/events?${query}`;
}

/** A server answers, but to another token: a stream does not tell why it broke. */
const isRefused = (): Promise<boolean> => fetch('/api/system.info', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }).then((r) => r.status === 403, () => false);

export function httpTransport(): Transport {
  return {
    async invoke(method, params) {
      const response = await fetch(`/api/${method}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(params ?? {}) });
      return await response.json() as Reply;
    },
    subscribe(subscription, push, lost) {
      const source = new EventSource(eventsUrl(subscription));
      source.onmessage = (message) => push(JSON.parse(message.data as string) as Push);
      let ended = false;
      source.onerror = () => { source.close(); void isRefused().then((refused) => { if (!ended) lost(refused); }); };
      return () => { ended = true; source.close(); };
    },
    pathOf: () => null,
    async upload(drop, path, file, signal) {
      const response = await fetch(`/drop/${drop}/${path.split('/').map(encodeURIComponent).join('/')}`, { method: 'POST', body: file, signal });
      const reply = await response.json() as Partial<Extract<Reply, { error: unknown }>>;
      if (reply.error) throw new AppError(reply.error.code, reply.error.message, reply.error.hint, reply.error.details);
    },
  };
}
