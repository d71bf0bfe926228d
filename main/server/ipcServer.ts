/** The core's side of the conversation with the desktop shell, over the process's IPC channel. */
import { z } from 'zod';
import { toAppError } from '../contract/errors.ts';
import type { Services } from '../services.ts';
import type { Call } from './router.ts';

const requestSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('call'), id: z.int(), method: z.string(), params: z.unknown() }),
  z.object({ type: z.literal('subscribe'), id: z.int(), topics: z.array(z.string()), epoch: z.string().optional(), after: z.number().optional() }),
  z.object({ type: z.literal('unsubscribe'), id: z.int() }),
  z.object({ type: z.literal('media'), id: z.int(), kind: z.string(), media: z.string(), width: z.number().optional() }),
  z.object({ type: z.literal('close') }),
]);

/** Answers until the shell says close or goes away: then training continues by itself and the core ends. */
export function serveIpc(services: Pick<Services, 'hub' | 'media'> & { call: Call }, end: () => Promise<void>): void {
  const send = (message: unknown): void => { if (process.connected) process.send?.(message, undefined, undefined, () => undefined); };
  const subscriptions = new Map<number, () => void>();
  process.on('message', async (raw) => {
    const parsed = requestSchema.safeParse(raw);
    if (!parsed.success) return;
    const m = parsed.data;
    if (m.type === 'call') send({ type: 'reply', id: m.id, reply: await services.call(m.method, m.params) });
    if (m.type === 'subscribe') subscriptions.set(m.id, services.hub.subscribe(m, (push) => send({ type: 'push', id: m.id, push })));
    if (m.type === 'unsubscribe') { subscriptions.get(m.id)?.(); subscriptions.delete(m.id); }
    if (m.type === 'media') send({ type: 'reply', id: m.id, reply: await services.media(m.kind, m.media, m.width).catch((error: unknown) => ({ error: toAppError(error) })) });
    if (m.type === 'close') await end();
  });
  process.on('disconnect', () => void end());
  send({ type: 'ready', epoch: services.hub.epoch });
}
